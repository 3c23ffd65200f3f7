#include "vm/wasm/internal/module_decoder.hpp"

/// The type section: recursive groups of functions, structures and arrays.
namespace sojourn::vm::internal {

namespace {

enum Form : std::uint8_t {
    kRecursiveGroup = 0x4e,
    kFinalSubtype = 0x4f,
    kSubtype = 0x50,
    kArray = 0x5e,
    kStructure = 0x5f,
    kFunctionType = 0x60,
};

}  // namespace

void ModuleDecoder::type_section() {
    const std::uint32_t count = reader_.count("types");
    for (std::uint32_t i = 0; i < count && !reader_.failed(); ++i) {
        if (reader_.peek() != kRecursiveGroup) {
            type_group(1);
            continue;
        }
        reader_.u8();
        type_group(reader_.count("types of a group"));
    }
}

void ModuleDecoder::type_group(std::uint32_t count) {
    auto& types = module_->types;
    auto& first_same = module_->first_same_type;
    const auto first = static_cast<std::uint32_t>(types.size());
    if (count > kTypesMax - first) return reader_.unsupported("more than {} types", kTypesMax);
    for (std::uint32_t i = 0; i < count; ++i)
        first_same.push_back(first + i);
    for (std::uint32_t i = 0; i < count && !reader_.failed(); ++i) {
        DefinedType type = defined_type();
        type.group_first = first;
        type.group_count = count;
        types.push_back(std::move(type));
    }
    if (reader_.failed()) return;
    const auto group = std::span(types).subspan(first);
    const std::uint32_t same = type_groups_.find_or_add(group, first);
    for (std::uint32_t i = 0; i < count; ++i)
        first_same[first + i] = same + i;
    for (DefinedType& type : group) {
        map_type_indices(type, [&](std::uint32_t index) { return first_same[index]; });
    }
    // All depths first: to compare two types may take a walk over the supertypes of any other.
    for (std::uint32_t i = 0; i < count && !reader_.failed(); ++i)
        check_supertype_depth(first + i);
    for (std::uint32_t i = 0; i < count && !reader_.failed(); ++i)
        check_supertype(first + i);
}

DefinedType ModuleDecoder::defined_type() {
    DefinedType type;
    std::uint8_t form = reader_.u8();
    if (form == kSubtype || form == kFinalSubtype) {
        type.is_final = form == kFinalSubtype;
        type.supertype = supertype();
        form = reader_.u8();
    }
    switch (form) {
        case kFunctionType:
            type.function.parameters = value_types(kParametersMax, "parameters");
            type.function.results = value_types(kResultsMax, "results");
            break;
        case kStructure:
            type.kind = DefinedType::Kind::structure;
            type.fields = fields();
            break;
        case kArray:
            type.kind = DefinedType::Kind::array;
            type.fields.push_back(field());
            break;
        default:
            reader_.malformed("malformed type 0x{:02x}", form);
            break;
    }
    return type;
}

std::optional<std::uint32_t> ModuleDecoder::supertype() {
    const std::uint32_t count = reader_.count("supertypes");
    if (count == 0) return std::nullopt;
    if (count > 1) reader_.invalid("sub type with {} super types", count);
    const std::uint32_t index = reader_.u32();
    if (!check_index(index, module_->types.size(), "type")) return std::nullopt;
    return module_->first_same_type[index];
}

void ModuleDecoder::check_supertype_depth(std::uint32_t index) {
    const auto& types = module_->types;
    std::uint32_t depth = 0;
    for (auto above = types[index].supertype; above; above = types[*above].supertype)
        ++depth;
    if (depth > kSupertypesMax) {
        reader_.unsupported("a type below {} others, at most {}", depth, kSupertypesMax);
    }
}

void ModuleDecoder::check_supertype(std::uint32_t index) {
    const auto& types = module_->types;
    const DefinedType& type = types[index];
    if (type.supertype && !extends(types, type, types[*type.supertype])) {
        reader_.invalid("sub type {} does not match super type {}", index, *type.supertype);
    }
}

std::vector<ValueType> ModuleDecoder::value_types(std::uint32_t count_max,
                                                  std::string_view of_what) {
    const std::uint32_t count = reader_.count(of_what);
    if (count > count_max) reader_.unsupported("{} {}, at most {}", count, of_what, count_max);
    std::vector<ValueType> types;
    for (std::uint32_t i = 0; i < count && !reader_.failed(); ++i) {
        types.push_back(reader_.value_type());
    }
    return types;
}

std::vector<FieldType> ModuleDecoder::fields() {
    const std::uint32_t count = reader_.count("fields");
    if (count > kFieldsMax) reader_.unsupported("{} fields, at most {}", count, kFieldsMax);
    std::vector<FieldType> fields;
    for (std::uint32_t i = 0; i < count && !reader_.failed(); ++i)
        fields.push_back(field());
    return fields;
}

FieldType ModuleDecoder::field() {
    constexpr std::uint8_t kPacked8 = 0x78;
    constexpr std::uint8_t kPacked16 = 0x77;
    FieldType field;
    const std::uint8_t code = reader_.peek();
    if (code == kPacked8 || code == kPacked16) {
        reader_.u8();
        field.packing = code == kPacked8 ? FieldType::Packing::i8 : FieldType::Packing::i16;
    } else {
        field.type = reader_.value_type();
    }
    field.is_mutable = reader_.mutability();
    return field;
}

}  // namespace sojourn::vm::internal
