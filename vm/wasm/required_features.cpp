#include "vm/wasm/required_features.hpp"

#include <algorithm>
#include <set>

#include "vm/wasm/code_reader.hpp"

namespace sojourn::vm {

namespace {

struct FeatureRow {
    std::uint8_t prefix;
    std::uint32_t first;
    std::uint32_t last;
    std::string_view feature;
};

constexpr FeatureRow kRows[] = {
#define FEATURE(prefix, first, last, feature) {prefix, first, last, feature},
#include "vm/wasm/features.def"
#undef FEATURE
};

/// Empty for an instruction of the first version.
constexpr std::string_view feature_of(const OpcodeInfo& info) {
    for (const FeatureRow& row : kRows) {
        const bool is_in = info.code >= row.first && info.code <= row.last;
        if (row.prefix == info.prefix && is_in) return row.feature;
    }
    return {};
}

/// By opcode.
constexpr auto kFeatures = [] {
    std::array<std::string_view, kOpcodeCount> features;
    for (std::size_t i = 0; i < kOpcodeCount; ++i)
        features[i] = feature_of(kOpcodes[i]);
    return features;
}();

class Requirements {
public:
    explicit Requirements(const Module& module) : module_(module) {}

    std::vector<std::string_view> collect() {
        types();
        memories();
        tables();
        globals();
        if (!module_.tags.empty()) add("exception-handling");
        for (std::size_t i = module_.imported_functions; i < module_.functions.size(); ++i)
            body(module_.functions[i]);
        for (std::size_t i = 0; i < kOpcodeCount; ++i) {
            if (seen_[i]) add(kFeatures[i]);
        }
        // Relaxed instructions are vector instructions, and legacy ones throw what the others do.
        if (names_.contains("relaxed-simd")) add("simd128");
        if (names_.contains("legacy-exceptions")) names_.erase("exception-handling");
        return {names_.begin(), names_.end()};
    }

private:
    void add(std::string_view name) {
        if (!name.empty()) names_.insert(name);
    }

    void value(ValueType type) {
        if (type == ValueType::v128) add("simd128");
        if (type == ValueType::externref) add("reference-types");
        if (type == ValueType::exnref) add("exception-handling");
        if (is_reference(type) && (is_not_null(type) || is_type_index(heap_of(type)))) {
            add("function-references");
        }
    }

    void types() {
        for (const DefinedType& type : module_.types) {
            if (type.kind != DefinedType::Kind::function || !type.is_final || type.supertype ||
                type.group_count > 1) {
                add("gc");
            }
            if (type.function.results.size() > 1) add("multivalue");
            std::ranges::for_each(type.function.parameters, [&](ValueType each) { value(each); });
            std::ranges::for_each(type.function.results, [&](ValueType each) { value(each); });
        }
    }

    void memories() {
        if (module_.memories.size() > 1) add("multimemory");
        for (const MemoryType& memory : module_.memories) {
            if (memory.is_64_bit()) add("memory64");
        }
        for (const DataSegment& segment : module_.data) {
            if (segment.mode == DataSegment::Mode::passive) add("bulk-memory");
            constant(segment.offset);
        }
    }

    void tables() {
        if (module_.tables.size() > 1) add("reference-types");
        for (std::size_t i = 0; i < module_.tables.size(); ++i) {
            value(module_.tables[i].element);
            if (module_.tables[i].is_64_bit()) add("memory64");
            if (module_.table_initials[i]) add("function-references");
        }
        for (const ElementSegment& segment : module_.elements) {
            if (segment.mode == ElementSegment::Mode::passive) add("bulk-memory");
            if (segment.mode == ElementSegment::Mode::declarative) add("reference-types");
            value(nullable(segment.type));  // the oldest form lists what is never null
            constant(segment.offset);
        }
    }

    void globals() {
        for (const Global& global : module_.globals) {
            value(global.type.type);
            constant(global.initial);
        }
        const auto crosses = [&](ExternKind kind, std::uint32_t index) {
            return kind == ExternKind::global && module_.globals[index].type.is_mutable;
        };
        for (const Import& import : module_.imports) {
            if (crosses(import.kind, import.index)) add("mutable-globals");
        }
        for (const Export& exported : module_.exports) {
            if (crosses(exported.kind, exported.index)) add("mutable-globals");
        }
    }

    void constant(const ConstantExpression& expression) {
        if (expression.kind == ConstantExpression::Kind::code) add("extended-const");
    }

    void body(const Function& function) {
        for (const auto& [count, type] : function.local_runs)
            value(type);
        CodeReader reader(module_, function);
        while (reader.offset() < function.end_offset) {
            const Instruction& instruction = reader.next();
            seen_[static_cast<std::size_t>(instruction.opcode)] = true;
            const Immediate immediate = info_of(instruction.opcode).immediate;
            const bool is_block =
                immediate == Immediate::block || immediate == Immediate::block_catches;
            if (is_block && instruction.block.type_index()) add("multivalue");
        }
    }

    const Module& module_;
    std::set<std::string_view> names_;
    std::array<bool, kOpcodeCount> seen_{};
};

}  // namespace

std::vector<std::string_view> required_features(const Module& module) {
    return Requirements(module).collect();
}

}  // namespace sojourn::vm
