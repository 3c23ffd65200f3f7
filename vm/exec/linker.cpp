#include "vm/exec/linker.hpp"

#include <algorithm>
#include <cstring>

#include "base/printable.hpp"
#include "vm/exec/bulk.hpp"
#include "vm/exec/interpreter.hpp"

namespace sojourn::vm {

namespace {

std::string text_of(const Import& import) {
    return fmt::format("\"{}\" \"{}\"", printable_excerpt(import.module),
                       printable_excerpt(import.name));
}

/// Imports to be named in one line: all of them, or of very many the first.
class ImportList {
public:
    /// `text` makes what is said about it, which nobody asks for when it is not named.
    template <typename Text>
    void add(const Text& text) {
        constexpr std::size_t kNamedMax = 100;
        if (named_ == kNamedMax) {
            ++not_named_;
        } else {
            text_ += (named_++ == 0 ? "" : ", ") + text();
        }
    }
    [[nodiscard]] bool is_empty() const { return named_ == 0; }
    [[nodiscard]] std::string text() const {
        return not_named_ == 0 ? text_ : fmt::format("{} and {} more", text_, not_named_);
    }

private:
    std::string text_;
    std::size_t named_ = 0;
    std::size_t not_named_ = 0;
};

/// Where `import` is found: nullptr when the binding leads nowhere.
const Export* bound_export(const Runtime& runtime, const Import& import, ExternRef binding) {
    const auto instance = static_cast<std::size_t>(binding.instance);
    if (instance >= runtime.instances.size()) return nullptr;
    const auto& exports = runtime.instances[instance]->module->exports;
    if (binding.export_index >= exports.size()) return nullptr;
    const Export& found = exports[binding.export_index];
    return found.kind == import.kind ? &found : nullptr;
}

/// Limits as an import wants them: no smaller now, and no room to grow beyond the wanted maximum.
bool limits_fit(const Limits& wanted, std::uint64_t size, const std::optional<std::uint64_t>& max) {
    if (size < wanted.min) return false;
    return !wanted.max || (max && *max <= *wanted.max);
}

class Linker {
public:
    Linker(Runtime& runtime, Instance& instance)
        : runtime_(runtime), instance_(instance), module_(*instance.module) {}

    Result<void> link() {
        instance_.type_ids = runtime_.types.add(module_);
        instance_.own_functions.resize(module_.functions.size());
        ImportList misfits;
        for (std::size_t i = 0; i < module_.imports.size(); ++i) {
            const Import& import = module_.imports[i];
            const bool fits = instance_.imports[i] ? link_export(import, *instance_.imports[i])
                                                   : link_host_function(import);
            if (!fits) misfits.add([&] { return text_of(import); });
        }
        if (!misfits.is_empty()) {
            return fail(ErrorCode::unlinkable_module, "incompatible import type: {}",
                        misfits.text());
        }
        for (std::size_t i = module_.imported_functions; i < module_.functions.size(); ++i) {
            add_function(static_cast<std::uint32_t>(i), &instance_,
                         stub(Handler::translate_function));
        }
        for (std::size_t i = module_.imported_tags; i < module_.tags.size(); ++i)
            add_tag(static_cast<std::uint32_t>(i));
        return {};
    }

private:
    LinkedFunction& add_function(std::uint32_t index, Instance* owner, const Word* entry) {
        const FunctionType& type = module_.type_of_function(index);
        LinkedFunction& linked = instance_.own_functions[index];
        linked.entry = entry;
        linked.identity = {static_cast<std::uint32_t>(instance_.index), index};
        linked.instance = owner;
        linked.type = instance_.type_ids[module_.functions[index].type_index];
        linked.parameter_slots = slots_of(type.parameters);
        linked.result_slots = slots_of(type.results);
        instance_.functions.push_back(&linked);
        return linked;
    }

    [[nodiscard]] TypeId type_of_tag(std::uint32_t index) const {
        return instance_.type_ids[module_.tags[index].type_index];
    }

    void add_tag(std::uint32_t index) {
        const auto& parameters = module_.function_type(module_.tags[index].type_index).parameters;
        instance_.own_tags.push_back(std::make_unique<ExceptionTag>(
            ExceptionTag{static_cast<std::uint32_t>(instance_.index), index, type_of_tag(index),
                         slots_of(parameters)}));
        instance_.tags.push_back(instance_.own_tags.back().get());
    }

    bool link_host_function(const Import& import) {
        if (import.kind != ExternKind::function) return false;
        const FunctionType& type = module_.type_of_function(import.index);
        const auto function =
            runtime_.host.find(import.module, import.name, type, module_.address_type());
        if (!function) return false;
        add_function(import.index, nullptr, stub(Handler::host_function_frame)).host_function =
            *function;
        return true;
    }

    bool link_export(const Import& import, ExternRef binding) {
        const Export* found = bound_export(runtime_, import, binding);
        if (found == nullptr) return false;
        const Instance& owner = *runtime_.instances[static_cast<std::size_t>(binding.instance)];
        switch (import.kind) {
            case ExternKind::function:
                return link_function(import, *owner.functions[found->index]);
            case ExternKind::table:
                return link_table(import, *owner.tables[found->index]);
            case ExternKind::memory:
                return link_memory(import, *owner.memories[found->index]);
            case ExternKind::global:
                return link_global(import, owner, found->index);
            case ExternKind::tag:
                instance_.tags.push_back(owner.tags[found->index]);
                return owner.tags[found->index]->type == type_of_tag(import.index);
        }
        return false;
    }

    bool link_function(const Import& import, LinkedFunction& function) {
        const std::uint32_t wanted = module_.functions[import.index].type_index;
        instance_.functions.push_back(&function);
        return runtime_.types.is_subtype(function.type, instance_.type_ids[wanted]);
    }

    bool link_global(const Import& import, const Instance& owner, std::uint32_t index) {
        const GlobalType& wanted = module_.globals[import.index].type;
        const GlobalType& found = owner.module->globals[index].type;
        instance_.globals.push_back(owner.globals[index]);
        const ValueType wanted_type = machine_type(wanted.type, instance_.type_ids);
        const ValueType found_type = machine_type(found.type, owner.type_ids);
        if (found.is_mutable != wanted.is_mutable) return false;
        return found.is_mutable ? found_type == wanted_type
                                : runtime_.types.fits(found_type, wanted_type);
    }

    bool link_table(const Import& import, Table& table) {
        const TableType& wanted = module_.tables[import.index];
        instance_.tables.push_back(&table);
        return table.element == machine_type(wanted.element, instance_.type_ids) &&
               table.type.address == wanted.address &&
               limits_fit(wanted.limits, table.size, table.type.limits.max);
    }

    bool link_memory(const Import& import, LinearMemory& memory) {
        const MemoryType& wanted = module_.memories[import.index];
        instance_.memories.push_back(&memory);
        return memory.type.address == wanted.address &&
               limits_fit(wanted.limits, memory.pages(), memory.type.limits.max);
    }

    Runtime& runtime_;
    Instance& instance_;
    const Module& module_;
};

/// Of what an instance begins with.
Result<void> charge(MemoryBudget& budget, std::uint64_t bytes) {
    if (budget.take(bytes)) return {};
    return fail(ErrorCode::out_of_memory,
                "the module begins with memories and tables of more than {} bytes, which is the "
                "limit; --max-memory sets it",
                budget.bytes_max);
}

Result<void> allocate_globals(Runtime& runtime, Instance& instance) {
    const Module& module = *instance.module;
    const std::size_t count = module.globals.size() - module.imported_globals;
    if (count == 0) return {};
    instance.globals_region = TRY(runtime.heap.add_region(globals_region_spec(module)));
    attach_globals(instance);
    for (std::size_t i = module.imported_globals; i < module.globals.size(); ++i) {
        const Global& global = module.globals[i];
        if (global.type.type == ValueType::v128) {
            const V128 value = evaluate_vector(global.initial, instance);
            std::memcpy(instance.globals[i], &value, sizeof value);
        } else {
            *instance.globals[i] = evaluate(global.initial, instance);
        }
    }
    return {};
}

/// With their initial values, which may name globals.
void fill_tables(Instance& instance) {
    const Module& module = *instance.module;
    for (std::size_t i = module.imported_tables; i < module.tables.size(); ++i) {
        if (!module.table_initials[i]) continue;
        const Reference value = evaluate(*module.table_initials[i], instance);
        if (value == kNullReference) continue;
        Table& table = *instance.tables[i];
        std::fill_n(table.elements(), table.size, value);
    }
}

}  // namespace

Result<std::vector<ImportBinding>> bind_imports(const Runtime& runtime, const Module& module,
                                                const ImportResolver& resolver) {
    std::vector<ImportBinding> bindings;
    ImportList unknown;
    for (const Import& import : module.imports) {
        bindings.push_back(resolver ? resolver(import.module, import.name) : std::nullopt);
        if (bindings.back()) continue;
        const bool is_provided =
            import.kind == ExternKind::function &&
            runtime.host.find(import.module, import.name, module.type_of_function(import.index),
                              module.address_type());
        if (is_provided) continue;
        unknown.add([&] {
            const std::string hint =
                runtime.host.suggest(import.module, import.name, module.address_type());
            return hint.empty() ? text_of(import) : fmt::format("{} ({})", text_of(import), hint);
        });
    }
    if (unknown.is_empty()) return bindings;
    return fail(ErrorCode::unlinkable_module, "unknown import: {}", unknown.text());
}

Result<std::unique_ptr<Instance>> link(Runtime& runtime, std::shared_ptr<const Module> module,
                                       std::vector<ImportBinding> bindings) {
    auto instance = std::make_unique<Instance>();
    instance->index = static_cast<InstanceIndex>(runtime.instances.size());
    instance->module = std::move(module);
    instance->imports = std::move(bindings);
    instance->dropped_elements.resize(instance->module->elements.size());
    instance->dropped_data.resize(instance->module->data.size());
    TRY(Linker(runtime, *instance).link());
    return instance;
}

heap::RegionSpec memory_region_spec(const MemoryType& type, std::uint64_t pages) {
    const std::uint64_t reserve = type.is_64_bit()
                                      ? std::max(type.pages_max() * kWasmPageBytes, kWasmPageBytes)
                                      : kMemoryReserveBytes;
    return {heap::RegionKind::memory, pages * kWasmPageBytes, reserve};
}

Table table_of(const Instance& instance, std::uint32_t index, std::uint64_t size,
               MemoryBudget& budget) {
    const TableType& type = instance.module->tables[index];
    return {nullptr, type, machine_type(type.element, instance.type_ids),
            static_cast<std::uint32_t>(size), &budget};
}

heap::RegionSpec table_region_spec(const Table& table) {
    const std::uint64_t reserve = std::max(table_bytes(table.size_max()), heap::kPageBytes);
    return {heap::RegionKind::table, table_bytes(table.size), reserve};
}

heap::RegionSpec globals_region_spec(const Module& module) {
    std::uint64_t slots = 0;
    for (std::size_t i = module.imported_globals; i < module.globals.size(); ++i)
        slots += slots_of(module.globals[i].type.type);
    const std::uint64_t size = whole_pages(slots * sizeof(std::uint64_t));
    return {heap::RegionKind::globals, size, size};
}

void attach_globals(Instance& instance) {
    auto* slot = reinterpret_cast<std::uint64_t*>(instance.globals_region->base());
    const Module& module = *instance.module;
    for (std::size_t i = module.imported_globals; i < module.globals.size(); ++i) {
        instance.globals.push_back(slot);
        slot += slots_of(module.globals[i].type.type);
    }
}

Result<void> allocate(Runtime& runtime, Instance& instance) {
    const Module& module = *instance.module;
    for (std::size_t i = module.imported_memories; i < module.memories.size(); ++i) {
        const MemoryType& type = module.memories[i];
        if (type.limits.min > kMemory64PagesMax) {
            return fail(ErrorCode::unsupported, "a memory of {} pages; at most {} are supported",
                        type.limits.min, kMemory64PagesMax);
        }
        TRY(charge(runtime.memory_budget, type.limits.min * kWasmPageBytes));
        heap::Region* region =
            TRY(runtime.heap.add_region(memory_region_spec(type, type.limits.min)));
        instance.own_memories.push_back(
            std::make_unique<LinearMemory>(LinearMemory{region, type, &runtime.memory_budget}));
        instance.memories.push_back(instance.own_memories.back().get());
    }
    for (std::size_t i = module.imported_tables; i < module.tables.size(); ++i) {
        const TableType& type = module.tables[i];
        if (type.limits.min > kTableElementsMax) {
            return fail(ErrorCode::unsupported, "a table of {} elements; at most {} are supported",
                        type.limits.min, kTableElementsMax);
        }
        Table table = table_of(instance, static_cast<std::uint32_t>(i), type.limits.min,
                               runtime.memory_budget);
        TRY(charge(runtime.memory_budget, table_bytes(table.size)));
        table.region = TRY(runtime.heap.add_region(table_region_spec(table)));
        instance.own_tables.push_back(std::make_unique<Table>(table));
        instance.tables.push_back(instance.own_tables.back().get());
    }
    TRY(allocate_globals(runtime, instance));
    fill_tables(instance);
    return {};
}

std::optional<Trap> apply_segments(Instance& instance) {
    const Module& module = *instance.module;
    for (std::uint32_t i = 0; i < module.elements.size(); ++i) {
        const ElementSegment& segment = module.elements[i];
        if (segment.mode == ElementSegment::Mode::passive) continue;
        if (segment.mode == ElementSegment::Mode::active) {
            const std::uint64_t to = evaluate(segment.offset, instance);
            const auto count = static_cast<std::uint32_t>(segment.elements.size());
            const auto trap =
                write_segment(instance, *instance.tables[segment.table], i, {to, 0, count});
            if (trap) return trap;
        }
        instance.dropped_elements[i] = true;
    }
    for (std::uint32_t i = 0; i < module.data.size(); ++i) {
        const DataSegment& segment = module.data[i];
        if (segment.mode == DataSegment::Mode::passive) continue;
        const std::uint64_t to = evaluate(segment.offset, instance);
        const auto trap = write_segment(instance, *instance.memories[segment.memory], i,
                                        {to, 0, segment.byte_count});
        if (trap) return trap;
        instance.dropped_data[i] = true;
    }
    return std::nullopt;
}

}  // namespace sojourn::vm
