#include "vm/wasm/defined_type.hpp"

namespace sojourn::vm {

namespace {

/// A group as numbers, in which its references to itself count from its own first type.
class GroupKey {
public:
    GroupKey(std::span<const DefinedType> group, std::uint32_t first)
        : first_(first), count_(static_cast<std::uint32_t>(group.size())) {
        for (const DefinedType& type : group)
            add(type);
    }

    std::vector<std::uint32_t> take() && { return std::move(words_); }

private:
    static constexpr std::uint32_t kInGroup = std::uint32_t{1} << 30U;

    void add(const DefinedType& type) {
        words_.push_back(static_cast<std::uint32_t>(type.kind) << 1U | (type.is_final ? 1U : 0U));
        words_.push_back(type.supertype ? index(*type.supertype) + 1 : 0);
        add_all(type.function.parameters);
        add_all(type.function.results);
        words_.push_back(static_cast<std::uint32_t>(type.fields.size()));
        for (const FieldType& field : type.fields) {
            words_.push_back(value(field.type));
            words_.push_back(static_cast<std::uint32_t>(field.packing) << 1U |
                             (field.is_mutable ? 1U : 0U));
        }
    }

    void add_all(std::span<const ValueType> types) {
        words_.push_back(static_cast<std::uint32_t>(types.size()));
        for (const ValueType type : types)
            words_.push_back(value(type));
    }

    [[nodiscard]] std::uint32_t index(std::uint32_t type_index) const {
        const bool is_inside = type_index >= first_ && type_index - first_ < count_;
        return is_inside ? kInGroup | (type_index - first_) : type_index;
    }

    [[nodiscard]] std::uint32_t value(ValueType type) const {
        return static_cast<std::uint32_t>(
            with_type_index(type, [this](std::uint32_t named) { return index(named); }));
    }

    std::uint32_t first_;
    std::uint32_t count_;
    std::vector<std::uint32_t> words_;
};

/// The abstract types above that of a structure, array or i31.
bool is_above_data(HeapType wanted) {
    return wanted == HeapType::any || wanted == HeapType::eq;
}

HeapType abstraction_of(DefinedType::Kind kind) {
    switch (kind) {
        case DefinedType::Kind::function:
            return HeapType::func;
        case DefinedType::Kind::structure:
            return HeapType::struct_;
        case DefinedType::Kind::array:
            break;
    }
    return HeapType::array;
}

bool abstract_fits(HeapType type, HeapType wanted) {
    switch (type) {
        case HeapType::struct_:
        case HeapType::array:
        case HeapType::i31:
            return is_above_data(wanted);
        case HeapType::eq:
            return wanted == HeapType::any;
        case HeapType::none:
            return is_above_data(wanted) || wanted == HeapType::struct_ ||
                   wanted == HeapType::array || wanted == HeapType::i31;
        case HeapType::nofunc:
            return wanted == HeapType::func;
        case HeapType::noextern:
            return wanted == HeapType::extern_;
        case HeapType::noexn:
            return wanted == HeapType::exn;
        default:
            return false;
    }
}

/// The type below every structure, array or function.
HeapType bottom_of(DefinedType::Kind kind) {
    return kind == DefinedType::Kind::function ? HeapType::nofunc : HeapType::none;
}

bool field_fits(std::span<const DefinedType> types, const FieldType& field,
                const FieldType& wanted) {
    if (field.is_mutable != wanted.is_mutable || field.packing != wanted.packing) return false;
    if (field.is_mutable) return field.type == wanted.type;
    return fits(types, field.type, wanted.type);
}

}  // namespace

std::string text_of(const FunctionType& type) {
    const auto list = [](std::span<const ValueType> types) {
        std::string text;
        for (const ValueType each : types)
            text += (text.empty() ? "" : ", ") + text_of(each);
        return "(" + text + ")";
    };
    return list(type.parameters) + " -> " + list(type.results);
}

std::uint32_t TypeGroups::find_or_add(std::span<const DefinedType> group, std::uint32_t first) {
    return firsts_.try_emplace(GroupKey(group, first).take(), first).first->second;
}

bool is_subtype(std::span<const DefinedType> types, std::uint32_t type, std::uint32_t wanted) {
    for (;;) {
        if (type == wanted) return true;
        if (!types[type].supertype) return false;
        type = *types[type].supertype;
    }
}

bool fits(std::span<const DefinedType> types, HeapType type, HeapType wanted) {
    if (type == wanted || type == HeapType::bottom) return true;
    if (is_type_index(type)) {
        const std::uint32_t index = type_index_of(type);
        if (is_type_index(wanted)) return is_subtype(types, index, type_index_of(wanted));
        const HeapType abstraction = abstraction_of(types[index].kind);
        return abstraction == wanted || abstract_fits(abstraction, wanted);
    }
    if (is_type_index(wanted)) return type == bottom_of(types[type_index_of(wanted)].kind);
    return abstract_fits(type, wanted);
}

bool fits(std::span<const DefinedType> types, ValueType type, ValueType wanted) {
    if (type == wanted) return true;
    if (!is_reference(type) || !is_reference(wanted)) return false;
    if (is_not_null(wanted) && !is_not_null(type)) return false;
    return fits(types, heap_of(type), heap_of(wanted));
}

bool all_fit(std::span<const DefinedType> types, std::span<const ValueType> each,
             std::span<const ValueType> wanted) {
    if (each.size() != wanted.size()) return false;
    for (std::size_t i = 0; i < each.size(); ++i) {
        if (!fits(types, each[i], wanted[i])) return false;
    }
    return true;
}

bool extends(std::span<const DefinedType> types, const DefinedType& type,
             const DefinedType& supertype) {
    if (supertype.is_final || type.kind != supertype.kind) return false;
    if (type.fields.size() < supertype.fields.size()) return false;
    for (std::size_t i = 0; i < supertype.fields.size(); ++i) {
        if (!field_fits(types, type.fields[i], supertype.fields[i])) return false;
    }
    return all_fit(types, supertype.function.parameters, type.function.parameters) &&
           all_fit(types, type.function.results, supertype.function.results);
}

}  // namespace sojourn::vm
