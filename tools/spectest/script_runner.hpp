#pragma once

#include <functional>
#include <map>

#include "tools/spectest/life.hpp"
#include "tools/spectest/script.hpp"

namespace sojourn::spec {

using MakeLife = std::function<Result<std::unique_ptr<Life>>()>;

struct Verdict {
    enum class Kind { passed, failed, skipped };
    Kind kind = Kind::skipped;
    unsigned line = 0;
    std::string reason{};  ///< empty when passed
};

/// Performs the commands of one script, in order. A command that speaks of an instance that could
/// not be made here is skipped.
class ScriptRunner {
public:
    /// `spectest` is what the scripts import from under that name.
    ScriptRunner(const Script& script, std::shared_ptr<const vm::Module> spectest,
                 MakeLife make_life);

    /// One verdict a command.
    std::vector<Verdict> run();

private:
    using Json = nlohmann::json;
    using Kind = Verdict::Kind;

    /// What an action came to.
    struct Performed {
        std::optional<vm::Stop> stop;  ///< nullopt: not performed, the verdict says why
        Verdict verdict{};
    };

    Verdict perform(const Json& command);
    Verdict define_module(const Json& command);
    Verdict instantiate_definition(const Json& command);
    Verdict add_instance(std::shared_ptr<const vm::Module> module,
                         const std::optional<std::string>& name);
    Verdict register_instance(const Json& command);
    Verdict assert_return(const Json& command);
    Verdict assert_trap(const Json& command);
    Verdict assert_exception(const Json& command);
    Verdict assert_refused(const Json& command, ErrorCode code);
    Verdict assert_unlinkable(const Json& command);
    Verdict assert_uninstantiable(const Json& command);

    Performed act(const Json& action);
    Performed invoke(vm::InstanceIndex instance, const vm::Module& module, const Json& action);
    Performed get(vm::InstanceIndex instance, const vm::Module& module, const Json& action);
    /// Instantiates and calls the start function. Nothing is left to come when it is Finished.
    Result<vm::Stop> instantiate(std::shared_ptr<const vm::Module> module,
                                 vm::InstanceIndex& instance);
    Result<void> begin_life();
    Result<std::shared_ptr<const vm::Module>> load(const Json& command) const;
    [[nodiscard]] std::optional<vm::ExternRef> resolve(std::string_view module,
                                                       std::string_view name);
    [[nodiscard]] bool imports_are_known(const vm::Module& module) const;
    [[nodiscard]] std::optional<vm::InstanceIndex> instance_of(const Json& action) const;

    const Script& script_;
    std::shared_ptr<const vm::Module> spectest_;
    MakeLife make_life_;
    bool modules_are_apart_;  ///< none speaks of another: each gets a life of its own
    std::unique_ptr<Life> life_;
    std::optional<vm::InstanceIndex> last_;
    std::shared_ptr<const vm::Module> last_definition_;
    std::map<std::string, std::shared_ptr<const vm::Module>> definitions_;
    std::map<std::string, vm::InstanceIndex> named_;
    std::map<std::string, vm::InstanceIndex, std::less<>> registered_;
};

}  // namespace sojourn::spec
