#include <map>

#include "vm/checkpoint/restore_parts.hpp"
#include "vm/exec/linker.hpp"

namespace sojourn::vm {

namespace {

/// Attaches the regions of one instance. What each must look like follows from the module, which
/// has been validated; the state only says which regions they are.
class InstanceRestorer {
public:
    InstanceRestorer(RegionClaims& claims, MemoryBudget& budget, Instance& instance,
                     const InstanceState& state)
        : claims_(claims),
          budget_(budget),
          instance_(instance),
          module_(*instance.module),
          state_(state) {}

    Result<void> restore() {
        TRY(restore_memories());
        TRY(restore_tables());
        TRY(restore_globals());
        if (state_.dropped_elements.size() != module_.elements.size() ||
            state_.dropped_data.size() != module_.data.size()) {
            return fail(ErrorCode::corrupt, "instance {} has other segments than its module",
                        static_cast<std::uint32_t>(instance_.index));
        }
        instance_.dropped_elements = state_.dropped_elements;
        instance_.dropped_data = state_.dropped_data;
        return {};
    }

private:
    Result<void> restore_memories() {
        const std::size_t count = module_.memories.size() - module_.imported_memories;
        TRY(expect_count(state_.memories.size(), count, "memories"));
        for (std::size_t i = 0; i < count; ++i) {
            const auto& [region_id, pages] = state_.memories[i];
            LinearMemory memory{nullptr, module_.memories[module_.imported_memories + i], &budget_};
            TRY(expect_size(pages, memory.type.limits.min, memory.type.pages_max(), "memory"));
            memory.region = TRY(claims_.claim(region_id, memory_region_spec(memory.type, pages)));
            budget_.bytes += memory.region->size_bytes();
            instance_.own_memories.push_back(std::make_unique<LinearMemory>(memory));
            instance_.memories.push_back(instance_.own_memories.back().get());
        }
        return {};
    }

    Result<void> restore_tables() {
        const std::size_t count = module_.tables.size() - module_.imported_tables;
        TRY(expect_count(state_.tables.size(), count, "tables"));
        for (std::size_t i = 0; i < count; ++i) {
            const auto& [region_id, size] = state_.tables[i];
            const auto index = static_cast<std::uint32_t>(module_.imported_tables + i);
            Table table = table_of(instance_, index, size, budget_);
            TRY(expect_size(size, table.type.limits.min, table.size_max(), "table"));
            table.region = TRY(claims_.claim(region_id, table_region_spec(table)));
            budget_.bytes += table.region->size_bytes();
            instance_.own_tables.push_back(std::make_unique<Table>(table));
            instance_.tables.push_back(instance_.own_tables.back().get());
        }
        return {};
    }

    Result<void> restore_globals() {
        if (module_.globals.size() == module_.imported_globals) return {};
        instance_.globals_region = TRY(claims_.claim(state_.globals, globals_region_spec(module_)));
        attach_globals(instance_);
        return {};
    }

    Result<void> expect_count(std::size_t count, std::size_t expected, std::string_view what) {
        if (count == expected) return {};
        return fail(ErrorCode::corrupt, "instance {} has {} {}, its module defines {}",
                    static_cast<std::uint32_t>(instance_.index), count, what, expected);
    }

    Result<void> expect_size(std::uint64_t size, std::uint64_t min, std::uint64_t max,
                             std::string_view what) {
        if (size >= min && size <= max) return {};
        return fail(ErrorCode::corrupt, "instance {} has a {} of size {}, declared {} to {}",
                    static_cast<std::uint32_t>(instance_.index), what, size, min, max);
    }

    RegionClaims& claims_;
    MemoryBudget& budget_;
    Instance& instance_;
    const Module& module_;
    const InstanceState& state_;
};

/// Loads each module once, however many instances it has.
class ModuleLoader {
public:
    explicit ModuleLoader(const ModuleSource& source) : source_(source) {}

    Result<std::shared_ptr<const Module>> load(const Sha256& digest) {
        auto& module = modules_[digest];
        if (module) return module;
        auto bytes = TRY(source_(digest));
        auto loaded = TRY(load_module(std::move(bytes), BodyValidation::lazy));
        if (loaded->digest() != digest) {
            return fail(ErrorCode::corrupt, "module {} came back as {}", digest.hex(),
                        loaded->digest().hex());
        }
        module = std::move(loaded);
        return module;
    }

private:
    const ModuleSource& source_;
    std::map<Sha256, std::shared_ptr<const Module>> modules_;
};

}  // namespace

Result<heap::Region*> RegionClaims::claim(store::RegionId id, const heap::RegionSpec& spec) {
    heap::Region* region = heap_.region(id);
    const auto number = static_cast<std::uint32_t>(id);
    if (region == nullptr) return fail(ErrorCode::corrupt, "there is no region {}", number);
    if (region->kind() != spec.kind || region->size_bytes() != spec.size_bytes ||
        region->reserve_bytes() < spec.reserve_bytes) {
        return fail(ErrorCode::corrupt,
                    "region {} is of kind {} and {} bytes, where kind {} and {} bytes are needed",
                    number, static_cast<std::uint32_t>(region->kind()), region->size_bytes(),
                    static_cast<std::uint32_t>(spec.kind), spec.size_bytes);
    }
    if (!claimed_.insert(id).second) {
        return fail(ErrorCode::corrupt, "region {} is used for two things", number);
    }
    return region;
}

Result<void> restore_instances(Runtime& runtime, RegionClaims& claims, const MachineState& state,
                               const ModuleSource& modules) {
    EXPECTS(runtime.instances.empty(), "a machine is restored into an empty runtime");
    ModuleLoader loader(modules);
    for (const InstanceState& instance_state : state.instances) {
        auto module = TRY(loader.load(instance_state.module));
        if (instance_state.imports.size() != module->imports.size()) {
            return fail(ErrorCode::corrupt, "an instance has {} imports, its module {}",
                        instance_state.imports.size(), module->imports.size());
        }
        auto instance = TRY(link(runtime, std::move(module), instance_state.imports));
        TRY(InstanceRestorer(claims, runtime.memory_budget, *instance, instance_state).restore());
        runtime.instances.push_back(std::move(instance));
    }
    return {};
}

Result<void> restore_exceptions(Runtime& runtime, const MachineState& state) {
    for (const ExceptionState& exception : state.exceptions) {
        const auto& [number, instance, tag_index, values] = exception;
        const bool has_instance = instance < runtime.instances.size();
        if (!has_instance || tag_index >= runtime.instances[instance]->tags.size()) {
            return fail(ErrorCode::corrupt, "exception {} has tag {} of instance {}", number,
                        tag_index, instance);
        }
        const ExceptionTag& tag = *runtime.instances[instance]->tags[tag_index];
        if (tag.instance != instance || !runtime.exceptions.restore(number, tag, values)) {
            return fail(ErrorCode::corrupt, "exception {} does not fit its tag", number);
        }
    }
    return {};
}

}  // namespace sojourn::vm
