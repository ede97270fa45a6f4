//! Fuzz target: the property of the same name.
#![cfg_attr(fuzzing, no_main)]

ndsharray_fuzz::target!(link);
