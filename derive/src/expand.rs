//! From a struct to its description; each refusal is a sentence that says what to do.

use proc_macro2::{Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{Attribute, Data, DeriveInput, Error, Field, Fields, Ident, LitStr, Result, Type};

/// Where the parts of the library are that the macro's code names.
fn private() -> TokenStream {
    quote!(::ndsharray::__private)
}

/// The code for a struct, or an error for the compiler to show.
pub(crate) fn record(input: TokenStream) -> TokenStream {
    syn::parse2(input).and_then(|input: DeriveInput| implement(&input)).unwrap_or_else(Error::into_compile_error)
}

/// What is known of one field.
struct Described<'a> {
    ident: &'a Ident,
    ty: &'a Type,
    /// Its name for other programs; `None` for padding.
    name: Option<String>,
}

fn implement(input: &DeriveInput) -> Result<TokenStream> {
    let fields = fields_of(input)?;
    check_generics(input)?;
    check_repr(input)?;
    let fields = fields.iter().map(describe).collect::<Result<Vec<_>>>()?;
    check_names(&fields)?;
    let ident = &input.ident;
    if fields.iter().all(|field| field.name.is_none()) {
        return Err(Error::new(ident.span(), "a record has at least one field that is not padding"));
    }
    let private = private();
    let layouts = fields.iter().filter_map(|Described { ident: field, ty, name }| {
        let name = name.as_ref()?;
        Some(quote_spanned! {ty.span()=>
            #private::FieldLayout {
                name: #name,
                offset: ::core::mem::offset_of!(Self, #field),
                kind: <#ty as #private::RecordField>::KIND,
            }
        })
    });
    // Padding is bytes, so that it may be read and written as such.
    let padding = fields
        .iter()
        .filter(|field| field.name.is_none())
        .map(|Described { ty, .. }| quote_spanned!(ty.span()=> #private::assert_padding::<#ty>();));
    let gaps = gaps(ident, &fields);
    Ok(quote! {
        const _: () = {
            #(#padding)*
            #gaps
        };

        // SAFETY: the struct is `repr(C)` and not generic. Each of its fields is a `RecordField`,
        // or padding of bytes. The assertions above leave no byte between or behind them, and no
        // alignment that shared memory might not have. The layout lists each of the former once,
        // where it begins and as what it is.
        #[automatically_derived]
        unsafe impl #private::Record for #ident {
            const LAYOUT: #private::RecordLayout = #private::RecordLayout {
                item_size: ::core::mem::size_of::<Self>(),
                fields: &[#(#layouts),*],
            };
        }
    })
}

/// The largest alignment of a record: what the format promises of the elements of a shared array.
const MAX_ALIGN: usize = 64;

/// Assertions that no byte is without a field, and that elements lie as the struct wants them to.
fn gaps(ident: &Ident, fields: &[Described<'_>]) -> TokenStream {
    let mut end = quote!(0);
    let mut checks = TokenStream::new();
    for Described { ident: field, ty, .. } in fields {
        let message = format!(
            "there is padding before field `{field}` of `{ident}`: put larger fields first, or give the padding a \
             name, such as `_padding: [u8; N]` with `#[record(padding)]`"
        );
        checks.extend(quote_spanned! {field.span()=>
            ::core::assert!(::core::mem::offset_of!(#ident, #field) == #end, #message);
        });
        end = quote!(::core::mem::offset_of!(#ident, #field) + ::core::mem::size_of::<#ty>());
    }
    let message = format!(
        "there is padding at the end of `{ident}`: give it a name, such as `_padding: [u8; N]` with \
         `#[record(padding)]`"
    );
    checks.extend(quote_spanned! {ident.span()=>
        ::core::assert!(::core::mem::size_of::<#ident>() == #end, #message);
    });
    let message =
        format!("`{ident}` is aligned to more than {MAX_ALIGN} bytes, which is where a shared array may begin");
    checks.extend(quote_spanned! {ident.span()=>
        ::core::assert!(::core::mem::align_of::<#ident>() <= #MAX_ALIGN, #message);
    });
    checks
}

fn fields_of(input: &DeriveInput) -> Result<Vec<Field>> {
    let refuse = |span: Span, message: &str| Err(Error::new(span, message));
    match &input.data {
        Data::Struct(data) => match &data.fields {
            Fields::Named(named) if !named.named.is_empty() => Ok(named.named.iter().cloned().collect()),
            Fields::Named(_) | Fields::Unit => {
                refuse(input.ident.span(), "a record has at least one field: NumPy has no dtype without one")
            }
            Fields::Unnamed(unnamed) => refuse(
                unnamed.span(),
                "the fields of a record have names, by which other programs find them: write `struct Name { field: Type }`",
            ),
        },
        Data::Enum(data) => refuse(
            data.enum_token.span(),
            "an enum is no record: not all bytes are one of its values; share its number in a field of a struct",
        ),
        Data::Union(data) => refuse(
            data.union_token.span(),
            "a union is no record: its fields overlap; share its bytes as a field `[u8; N]` of a struct",
        ),
    }
}

fn check_generics(input: &DeriveInput) -> Result<()> {
    if input.generics.params.is_empty() {
        return Ok(());
    }
    Err(Error::new(
        input.generics.span(),
        "a record is not generic: its fields' types are what other programs match; write a struct for each layout",
    ))
}

/// Makes sure that the layout is C's; it may be packed as well.
fn check_repr(input: &DeriveInput) -> Result<()> {
    let mut is_c = false;
    for attribute in input.attrs.iter().filter(|attribute| attribute.path().is_ident("repr")) {
        attribute.parse_nested_meta(|meta| {
            is_c |= meta.path.is_ident("C");
            // What stands in `align(..)` or `packed(..)` is the compiler's business.
            if meta.input.peek(syn::token::Paren) {
                let inner;
                syn::parenthesized!(inner in meta.input);
                let _: TokenStream = inner.parse()?;
            }
            Ok(())
        })?;
    }
    if is_c {
        return Ok(());
    }
    Err(Error::new(
        input.ident.span(),
        format!(
            "`{}` needs `#[repr(C)]`: without it the compiler may lay out the fields otherwise in each program",
            input.ident
        ),
    ))
}

fn describe(field: &Field) -> Result<Described<'_>> {
    let Some(ident) = &field.ident else { return Err(Error::new(field.span(), "a field of a record has a name")) };
    check_type(ident, &field.ty)?;
    let mut described = Described { ident, ty: &field.ty, name: Some(unraw(ident)) };
    for attribute in &field.attrs {
        apply(attribute, &mut described)?;
    }
    Ok(described)
}

/// Takes over what an attribute `record` says of its field.
fn apply(attribute: &Attribute, described: &mut Described<'_>) -> Result<()> {
    if !attribute.path().is_ident("record") {
        return Ok(());
    }
    attribute.parse_nested_meta(|meta| {
        if meta.path.is_ident("padding") {
            described.name = None;
            return Ok(());
        }
        if meta.path.is_ident("name") {
            let name: LitStr = meta.value()?.parse()?;
            check_name(&name.value()).map_err(|message| Error::new(name.span(), message))?;
            described.name = Some(name.value());
            return Ok(());
        }
        Err(meta.error("a field of a record has `#[record(padding)]` or `#[record(name = \"...\")]`"))
    })
}

/// The rules of `ndsharray` for the name of a field.
fn check_name(name: &str) -> std::result::Result<(), String> {
    const MAX: usize = 255;
    if name.is_empty() {
        return Err("the name of a field has at least one letter".to_owned());
    }
    if name.len() > MAX {
        return Err(format!("the name of a field has at most {MAX} bytes, but this one has {}", name.len()));
    }
    if name.contains('\0') {
        return Err("the name of a field has no NUL".to_owned());
    }
    Ok(())
}

fn check_names(fields: &[Described<'_>]) -> Result<()> {
    for (i, field) in fields.iter().enumerate() {
        let Some(name) = &field.name else { continue };
        check_name(name).map_err(|message| Error::new(field.ident.span(), message))?;
        if fields.iter().take(i).any(|other| other.name.as_ref() == Some(name)) {
            return Err(Error::new(field.ident.span(), format!("two fields of the record are called {name:?}")));
        }
    }
    Ok(())
}

/// Refuses by name what the compiler could only call unimplemented.
fn check_type(field: &Ident, ty: &Type) -> Result<()> {
    let what = match ty {
        Type::Reference(_) => "a reference",
        Type::Ptr(_) => "a pointer",
        Type::BareFn(_) => "a function",
        Type::Slice(_) | Type::TraitObject(_) => "of no fixed size",
        Type::Tuple(_) => {
            return Err(Error::new(
                ty.span(),
                format!(
                    "field `{field}` is a tuple, whose layout the compiler chooses: write a struct that is a record"
                ),
            ));
        }
        Type::Array(array) => return check_type(field, &array.elem),
        Type::Paren(inner) => return check_type(field, &inner.elem),
        Type::Group(inner) => return check_type(field, &inner.elem),
        _ => return Ok(()),
    };
    Err(Error::new(
        ty.span(),
        format!(
            "field `{field}` is {what}, which no other process could follow: hold the values themselves, such as `[u8; 16]`"
        ),
    ))
}

/// The name of a field as it is read: `r#type` is `type`.
fn unraw(ident: &Ident) -> String {
    let name = ident.to_string();
    name.strip_prefix("r#").unwrap_or(&name).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The sentence that a struct is refused with, or the code that it gets.
    fn expanded(source: &str) -> String {
        record(source.parse().unwrap()).to_string()
    }

    /// Each with a near twin, which is taken.
    const REFUSED: &[(&str, &str, &str)] = &[
        ("struct A { a: u8 }", "needs `#[repr(C)]`", "#[repr(C)] struct A { a: u8 }"),
        ("#[repr(transparent)] struct A { a: u8 }", "needs `#[repr(C)]`", "#[repr(C, packed(2))] struct A { a: u8 }"),
        ("#[repr(C)] struct A<T> { a: T }", "is not generic", "#[repr(C)] struct A { a: T }"),
        ("#[repr(C)] struct A<'a> { a: &'a u8 }", "is not generic", "#[repr(C)] struct A { a: u8 }"),
        ("#[repr(C)] struct A<const N: usize> { a: [u8; N] }", "is not generic", "#[repr(C)] struct A { a: [u8; N] }"),
        ("#[repr(C)] struct A { a: &'static u8 }", "field `a` is a reference", "#[repr(C)] struct A { a: u8 }"),
        (
            "#[repr(C)] struct A { a: [&'static u8; 2] }",
            "field `a` is a reference",
            "#[repr(C)] struct A { a: [u8; 2] }",
        ),
        ("#[repr(C)] struct A { a: *const u8 }", "field `a` is a pointer", "#[repr(C)] struct A { a: u64 }"),
        ("#[repr(C)] struct A { a: fn() }", "field `a` is a function", "#[repr(C)] struct A { a: F }"),
        ("#[repr(C)] struct A { a: (u8, u8) }", "field `a` is a tuple", "#[repr(C)] struct A { a: (u8) }"),
        ("#[repr(C)] struct A(u8);", "fields of a record have names", "#[repr(C)] struct A { a: u8 }"),
        ("#[repr(C)] struct A;", "at least one field", "#[repr(C)] struct A { a: u8 }"),
        ("#[repr(C)] struct A {}", "at least one field", "#[repr(C)] struct A { a: u8 }"),
        ("#[repr(C)] enum A { B }", "an enum is no record", "#[repr(C)] struct A { b: B }"),
        ("#[repr(C)] union A { a: u8 }", "a union is no record", "#[repr(C)] struct A { a: u8 }"),
        (
            "#[repr(C)] struct A { #[record(padding)] a: [u8; 2] }",
            "at least one field that is not padding",
            "#[repr(C)] struct A { #[record(padding)] a: [u8; 2], b: u16 }",
        ),
        (
            "#[repr(C)] struct A { a: u8, #[record(name = \"a\")] b: u8 }",
            "two fields of the record are called",
            "#[repr(C)] struct A { a: u8, #[record(name = \"c\")] b: u8 }",
        ),
        (
            "#[repr(C)] struct A { #[record(name = \"\")] a: u8 }",
            "at least one letter",
            "#[repr(C)] struct A { #[record(name = \"b\")] a: u8 }",
        ),
        (
            "#[repr(C)] struct A { #[record(skip)] a: u8 }",
            "`#[record(padding)]` or",
            "#[repr(C)] struct A { #[serde(skip)] a: u8 }",
        ),
    ];

    #[test]
    fn each_refusal_has_its_sentence_and_its_twin_has_none() {
        for (wrong, sentence, right) in REFUSED {
            let told = expanded(wrong);
            assert!(told.contains("compile_error") && told.contains(sentence), "{wrong}: {told}");
            let code = expanded(right);
            assert!(code.contains("unsafe impl") && !code.contains("compile_error"), "{right}: {code}");
        }
    }

    #[test]
    fn raw_names_are_as_they_are_read() {
        assert!(expanded("#[repr(C)] struct A { r#type: u8 }").contains("name : \"type\""));
    }
}
