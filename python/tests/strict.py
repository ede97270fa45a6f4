"""How strict child processes are."""

# Warnings are errors, but for the one of a package that was built without optimisation.
OPTIMISED_OR_NOT = ("-W", "ignore:this build of ndsharray_rs is not optimised:RuntimeWarning")
STRICT = ("-W", "error", *OPTIMISED_OR_NOT)
