#include "process/program.hpp"

namespace sojourn::process {

namespace {

constexpr std::string_view kEntry = "_start";
constexpr vm::InstanceIndex kProgram{0};

const vm::Export* entry_of(const vm::Module& module) {
    const vm::Export* entry = module.find_export(kEntry);
    if (entry == nullptr || entry->kind != vm::ExternKind::function) return nullptr;
    return entry;
}

Result<void> check_entry(const vm::Module& module) {
    const vm::Export* entry = entry_of(module);
    if (entry == nullptr) {
        return fail(ErrorCode::invalid_argument,
                    "it exports no function '{}', so it is a library (a reactor), not a program; "
                    "link it as a command",
                    kEntry);
    }
    const vm::FunctionType& type = module.type_of_function(entry->index);
    if (type.parameters.empty() && type.results.empty()) return {};
    return fail(ErrorCode::invalid_argument, "its '{}' takes parameters or gives results", kEntry);
}

void begin_main(Incarnation& life) {
    const vm::Export* entry = entry_of(life.machine().module_of(kProgram));
    INVARIANT(entry != nullptr, "a program was checked for its entry when it was loaded");
    life.set_stage(Stage::main);
    life.machine().start(kProgram, entry->index, {});
}

}  // namespace

Result<std::shared_ptr<const vm::Module>> load_module_file(const std::filesystem::path& path,
                                                           vm::BodyValidation body_validation) {
    auto bytes = TRY(read_file(path));
    auto module = vm::load_module(std::move(bytes), body_validation);
    if (module.ok()) return module;
    return fail(module.error().code, "{}: {}", path.native(), module.error().message);
}

Result<std::shared_ptr<const vm::Module>> load_program(const std::filesystem::path& path,
                                                       vm::BodyValidation body_validation) {
    auto module = TRY(load_module_file(path, body_validation));
    const auto checked = check_entry(*module);
    if (!checked.ok()) {
        return fail(checked.error().code, "{}: {}", path.native(), checked.error().message);
    }
    return module;
}

Result<std::optional<vm::Trap>> begin_program(Incarnation& life,
                                              std::shared_ptr<const vm::Module> program) {
    const auto start_function = program->start;
    const auto no_instances = [](std::string_view, std::string_view) {
        return std::optional<vm::ExternRef>();
    };
    const auto instance = TRY(life.machine().instantiate(std::move(program), no_instances));
    if (const auto* trap = std::get_if<vm::Trap>(&instance)) return std::optional(*trap);
    if (start_function) {
        life.set_stage(Stage::start_function);
        life.machine().start(kProgram, *start_function, {});
    } else {
        begin_main(life);
    }
    return std::optional<vm::Trap>();
}

bool begin_next_call(Incarnation& life) {
    if (life.stage() == Stage::main) return false;
    begin_main(life);
    return true;
}

}  // namespace sojourn::process
