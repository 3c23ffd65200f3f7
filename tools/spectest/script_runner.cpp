#include "tools/spectest/script_runner.hpp"

#include <algorithm>

#include "base/file.hpp"
#include "tools/spectest/value.hpp"

namespace sojourn::spec {

namespace {

using Kind = Verdict::Kind;

template <typename... Args>
Verdict failed(fmt::format_string<Args...> format, Args&&... args) {
    return {Kind::failed, 0, fmt::format(format, std::forward<Args>(args)...)};
}
Verdict failed(const Error& error) {
    return failed("{}: {}", text_of(error.code), error.message);
}
Verdict passed() {
    return {Kind::passed, 0, {}};
}
Verdict skipped(std::string reason) {
    return {Kind::skipped, 0, std::move(reason)};
}

/// An error of ours is a failure, except that what this build lacks is skipped.
Verdict failed_or_unsupported(const Error& error) {
    if (error.code == ErrorCode::unsupported) return skipped(error.message);
    return failed(error);
}

std::string describe(const vm::Stop& stop) {
    if (const auto* trapped = std::get_if<vm::Trapped>(&stop)) return text_of(trapped->trap);
    if (const auto* finished = std::get_if<vm::Finished>(&stop)) {
        return fmt::format("results [{:#x}]", fmt::join(finished->results, ", "));
    }
    return "neither a result nor a trap";
}

/// The suite says "uninitialized element 2" or "undefined", we say the kind.
bool is_trap(const vm::Stop& stop, std::string_view expected) {
    const auto* trapped = std::get_if<vm::Trapped>(&stop);
    if (trapped == nullptr) return false;
    const std::string_view actual = text_of(trapped->trap);
    return expected.starts_with(actual) || actual.starts_with(expected);
}

bool speaks_of_other_modules(const nlohmann::json& command) {
    return command.at("type") == "register" || command.at("type") == "module_instance" ||
           (command.contains("action") && command.at("action").contains("module"));
}

}  // namespace

ScriptRunner::ScriptRunner(const Script& script, std::shared_ptr<const vm::Module> spectest,
                           MakeLife make_life)
    : script_(script),
      spectest_(std::move(spectest)),
      make_life_(std::move(make_life)),
      modules_are_apart_(std::ranges::none_of(script.commands, speaks_of_other_modules)) {}

std::vector<Verdict> ScriptRunner::run() {
    std::vector<Verdict> verdicts;
    for (const Json& command : script_.commands) {
        Verdict verdict = perform(command);
        verdict.line = command.at("line").get<unsigned>();
        verdicts.push_back(std::move(verdict));
    }
    return verdicts;
}

Verdict ScriptRunner::perform(const Json& command) {
    const auto type = command.at("type").get<std::string>();
    if (type == "assert_malformed") return assert_refused(command, ErrorCode::malformed_module);
    if (type == "assert_invalid") return assert_refused(command, ErrorCode::invalid_module);
    if (life_ == nullptr || (type == "module" && modules_are_apart_)) {
        if (const auto begun = begin_life(); !begun.ok()) return failed(begun.error());
    }
    if (const auto rested = life_->rest(); !rested.ok()) return failed(rested.error());
    if (type == "module" || type == "module_definition") return define_module(command);
    if (type == "module_instance") return instantiate_definition(command);
    if (type == "register") return register_instance(command);
    if (type == "action" || type == "assert_return") return assert_return(command);
    if (type == "assert_trap" || type == "assert_exhaustion") return assert_trap(command);
    if (type == "assert_exception") return assert_exception(command);
    if (type == "assert_unlinkable") return assert_unlinkable(command);
    return assert_uninstantiable(command);
}

Result<void> ScriptRunner::begin_life() {
    life_.reset();
    named_.clear();
    last_definition_.reset();
    definitions_.clear();
    registered_.clear();
    last_.reset();
    life_ = TRY(make_life_());
    vm::InstanceIndex spectest{};
    TRY(instantiate(spectest_, spectest));
    registered_["spectest"] = spectest;
    return {};
}

Verdict ScriptRunner::define_module(const Json& command) {
    const bool is_definition = command.at("type") == "module_definition";
    std::optional<std::string> name;
    if (command.contains("name")) name = command.at("name").get<std::string>();
    if (!is_definition) last_.reset();
    if (command.contains("unreadable")) return skipped("text that the assembler refuses");
    const auto module = load(command);
    if (!module.ok()) return failed_or_unsupported(module.error());
    if (!is_definition) return add_instance(*module, name);
    last_definition_ = *module;
    if (name) definitions_[*name] = *module;
    return passed();
}

Verdict ScriptRunner::instantiate_definition(const Json& command) {
    last_.reset();
    std::shared_ptr<const vm::Module> module = last_definition_;
    if (command.contains("module")) {
        module = definitions_[command.at("module").get<std::string>()];
    }
    if (module == nullptr) return skipped("its module is skipped");
    std::optional<std::string> name;
    if (command.contains("instance")) name = command.at("instance").get<std::string>();
    return add_instance(module, name);
}

Verdict ScriptRunner::add_instance(std::shared_ptr<const vm::Module> module,
                                   const std::optional<std::string>& name) {
    vm::InstanceIndex instance{};
    const auto stop = instantiate(module, instance);
    if (!stop.ok()) {
        const bool provider_is_missing =
            stop.error().code == ErrorCode::unlinkable_module && !imports_are_known(*module);
        if (provider_is_missing) return skipped("imports from a module that is skipped");
        return failed_or_unsupported(stop.error());
    }
    if (!std::holds_alternative<vm::Finished>(*stop)) return failed("{}", describe(*stop));
    last_ = instance;
    if (name) named_[*name] = instance;
    return passed();
}

Verdict ScriptRunner::register_instance(const Json& command) {
    std::optional<vm::InstanceIndex> instance = last_;
    if (command.contains("name")) {
        const auto found = named_.find(command.at("name").get<std::string>());
        instance = found == named_.end() ? std::nullopt : std::optional(found->second);
    }
    if (!instance) return skipped("its module is skipped");
    registered_[command.at("as").get<std::string>()] = *instance;
    return passed();
}

Verdict ScriptRunner::assert_return(const Json& command) {
    const Performed performed = act(command.at("action"));
    if (!performed.stop) return performed.verdict;
    const auto* finished = std::get_if<vm::Finished>(&*performed.stop);
    if (finished == nullptr) return failed("{}", describe(*performed.stop));
    if (command.at("type") == "action") return passed();
    const Json& expected = command.at("expected");
    if (matches(expected, finished->results)) return passed();
    return failed("{}, expected {}", describe(*performed.stop), expected.dump());
}

Verdict ScriptRunner::assert_trap(const Json& command) {
    const auto expected = command.at("text").get<std::string>();
    const Performed performed = act(command.at("action"));
    if (!performed.stop) return performed.verdict;
    if (is_trap(*performed.stop, expected)) return passed();
    return failed("{}, expected the trap {}", describe(*performed.stop), expected);
}

Verdict ScriptRunner::assert_exception(const Json& command) {
    const Performed performed = act(command.at("action"));
    if (!performed.stop) return performed.verdict;
    if (is_trap(*performed.stop, "uncaught exception")) return passed();
    return failed("{}, expected an exception", describe(*performed.stop));
}

Verdict ScriptRunner::assert_refused(const Json& command, ErrorCode code) {
    const bool is_text = command.at("module_type") == "text";
    if (code == ErrorCode::malformed_module && is_text) return skipped("text that is malformed");
    if (command.contains("unreadable")) return skipped("text that the assembler refuses");
    const auto module = load(command);
    if (module.ok()) return failed("accepted, expected {}", command.at("text").dump());
    if (module.error().code == code) return passed();
    return failed_or_unsupported(module.error());
}

Verdict ScriptRunner::assert_unlinkable(const Json& command) {
    const auto module = load(command);
    if (!module.ok()) return failed_or_unsupported(module.error());
    vm::InstanceIndex instance{};
    const auto stop = instantiate(*module, instance);
    if (stop.ok()) return failed("linked, expected {}", command.at("text").dump());
    if (stop.error().code == ErrorCode::unlinkable_module) return passed();
    return failed_or_unsupported(stop.error());
}

Verdict ScriptRunner::assert_uninstantiable(const Json& command) {
    const auto module = load(command);
    if (!module.ok()) return failed_or_unsupported(module.error());
    vm::InstanceIndex instance{};
    const auto stop = instantiate(*module, instance);
    if (!stop.ok()) return failed_or_unsupported(stop.error());
    const auto expected = command.at("text").get<std::string>();
    if (is_trap(*stop, expected)) return passed();
    return failed("{}, expected the trap {}", describe(*stop), expected);
}

ScriptRunner::Performed ScriptRunner::act(const Json& action) {
    const auto instance = instance_of(action);
    if (!instance) return {std::nullopt, skipped("its module is skipped")};
    const vm::Module& module = life_->machine().module_of(*instance);
    if (action.at("type") == "get") return get(*instance, module, action);
    return invoke(*instance, module, action);
}

ScriptRunner::Performed ScriptRunner::invoke(vm::InstanceIndex instance, const vm::Module& module,
                                             const Json& action) {
    const vm::Export* function = module.find_export(action.at("field").get<std::string>());
    if (function == nullptr || function->kind != vm::ExternKind::function) {
        return {std::nullopt, failed("no function {} is exported", action.at("field").dump())};
    }
    const auto& parameters = module.type_of_function(function->index).parameters;
    const Json& values = action.at("args");
    if (values.size() != parameters.size()) {
        return {std::nullopt, failed("{} takes {} arguments, {} are given",
                                     action.at("field").dump(), parameters.size(), values.size())};
    }
    std::vector<std::uint64_t> arguments;
    for (std::size_t i = 0; i < parameters.size(); ++i) {
        const auto slots = argument_slots(values[i], parameters[i]);
        if (slots.empty()) return {std::nullopt, skipped("arguments of other types")};
        arguments.insert(arguments.end(), slots.begin(), slots.end());
    }
    life_->machine().start(instance, function->index, arguments);
    auto stop = life_->finish();
    if (!stop.ok()) return {std::nullopt, failed(stop.error())};
    return {std::move(*stop)};
}

ScriptRunner::Performed ScriptRunner::get(vm::InstanceIndex instance, const vm::Module& module,
                                          const Json& action) {
    const vm::Export* global = module.find_export(action.at("field").get<std::string>());
    if (global == nullptr) {
        return {std::nullopt, failed("no global {} is exported", action.at("field").dump())};
    }
    const auto export_index = static_cast<std::uint32_t>(global - module.exports.data());
    auto slots = life_->machine().read_global({instance, export_index});
    if (slots.empty()) return {std::nullopt, failed("{} can't be read", action.at("field").dump())};
    return {vm::Finished{std::move(slots)}};
}

Result<vm::Stop> ScriptRunner::instantiate(std::shared_ptr<const vm::Module> module,
                                           vm::InstanceIndex& instance) {
    TRY(life_->keep(*module));
    const auto start = module->start;
    const auto made = TRY(life_->machine().instantiate(
        std::move(module), [this](auto from, auto name) { return resolve(from, name); }));
    if (const auto* trap = std::get_if<vm::Trap>(&made)) return vm::Stop(vm::Trapped{*trap, {}});
    instance = std::get<vm::InstanceIndex>(made);
    if (!start) return vm::Stop(vm::Finished{});
    life_->machine().start(instance, *start, {});
    return life_->finish();
}

Result<std::shared_ptr<const vm::Module>> ScriptRunner::load(const Json& command) const {
    return vm::load_module(
        TRY(read_file(script_.folder / command.at("filename").get<std::string>())));
}

std::optional<vm::ExternRef> ScriptRunner::resolve(std::string_view module, std::string_view name) {
    const auto instance = registered_.find(module);
    if (instance == registered_.end()) return std::nullopt;
    const auto& exports = life_->machine().module_of(instance->second).exports;
    const auto found = std::ranges::find(exports, name, &vm::Export::name);
    if (found == exports.end()) return std::nullopt;
    return vm::ExternRef{instance->second, static_cast<std::uint32_t>(found - exports.begin())};
}

bool ScriptRunner::imports_are_known(const vm::Module& module) const {
    return std::ranges::all_of(module.imports, [this](const vm::Import& import) {
        return registered_.contains(import.module);
    });
}

std::optional<vm::InstanceIndex> ScriptRunner::instance_of(const Json& action) const {
    if (!action.contains("module")) return last_;
    const auto found = named_.find(action.at("module").get<std::string>());
    if (found == named_.end()) return std::nullopt;
    return found->second;
}

}  // namespace sojourn::spec
