#pragma once

#include <map>
#include <optional>
#include <span>
#include <vector>

#include "vm/wasm/value_type.hpp"

/// The types that modules define, when two of them are the same, and which fits where.
namespace sojourn::vm {

struct FunctionType {
    std::vector<ValueType> parameters;
    std::vector<ValueType> results;

    bool operator==(const FunctionType&) const = default;
};

/// `(i32, i64) -> (f32)`
std::string text_of(const FunctionType& type);

struct FieldType {
    enum class Packing : std::uint8_t { none, i8, i16 };

    ValueType type = ValueType::i32;
    Packing packing = Packing::none;  ///< other than none: of an i32
    bool is_mutable = false;

    bool operator==(const FieldType&) const = default;
};

/// One type of a recursive group, as it stands in a list of types; type indices in it count from
/// the list's first.
struct DefinedType {
    enum class Kind : std::uint8_t { function, structure, array };

    Kind kind = Kind::function;
    bool is_final = true;
    std::optional<std::uint32_t> supertype;
    FunctionType function;          ///< empty unless it is one
    std::vector<FieldType> fields;  ///< of a structure; the one of an array
    std::uint32_t group_first = 0;  ///< index of its group's first type
    std::uint32_t group_count = 1;  ///< types in its group
};

/// The type with what `map` makes of its type index, if it has one.
template <typename Map>
ValueType with_type_index(ValueType type, const Map& map) {
    if (!is_reference(type) || !is_type_index(heap_of(type))) return type;
    return reference_to_type(map(type_index_of(heap_of(type))), !is_not_null(type));
}

/// Replaces each type index in `type` by what `map` makes of it.
template <typename Map>
void map_type_indices(DefinedType& type, const Map& map) {
    const auto map_value = [&map](ValueType& value) { value = with_type_index(value, map); };
    if (type.supertype) type.supertype = map(*type.supertype);
    for (ValueType& parameter : type.function.parameters)
        map_value(parameter);
    for (ValueType& result : type.function.results)
        map_value(result);
    for (FieldType& field : type.fields)
        map_value(field.type);
}

/// Finds recursive groups that are the same: iso-recursive equivalence (specification 3.1.4). Two
/// types are the same when their groups are and they have the same place there.
class TypeGroups {
public:
    /// `group` is to stand in a list from `first` on; its references to earlier groups are already
    /// those of the first that is the same. Returns where the first group that is the same stands:
    /// `first` when it is new.
    std::uint32_t find_or_add(std::span<const DefinedType> group, std::uint32_t first);

private:
    std::map<std::vector<std::uint32_t>, std::uint32_t> firsts_;
};

/// Whether a value of type `type` may be where one of type `wanted` is asked for (specification
/// 3.3). Type indices are those of `types`, in which types that are the same have one index.
bool fits(std::span<const DefinedType> types, ValueType type, ValueType wanted);
bool fits(std::span<const DefinedType> types, HeapType type, HeapType wanted);
bool all_fit(std::span<const DefinedType> types, std::span<const ValueType> each,
             std::span<const ValueType> wanted);
/// The same of two type indices: `wanted` is the type or a supertype of it.
bool is_subtype(std::span<const DefinedType> types, std::uint32_t type, std::uint32_t wanted);
/// Whether `type` may name `supertype` as its supertype.
bool extends(std::span<const DefinedType> types, const DefinedType& type,
             const DefinedType& supertype);

}  // namespace sojourn::vm
