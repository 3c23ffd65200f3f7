#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "tests/support/temporary_folder.hpp"
#include "tests/support/vm_command.hpp"

namespace sojourn::tests {

/// Waits until `condition` holds; fails the test when that takes absurdly long.
void await(const std::string& what, const std::function<bool()>& condition);

/// Waits until the process has printed `text`.
void await_output(const VmProcess& process, const std::string& text);

/// A store and a folder of its own, and the verbs on them.
class ProcessFixture {
public:
    ProcessFixture() { std::filesystem::create_directory(work()); }

    [[nodiscard]] std::filesystem::path folder() const { return folder_.path(); }
    [[nodiscard]] std::filesystem::path work() const { return folder() / "work"; }
    [[nodiscard]] std::string store() const { return folder() / "store"; }

    [[nodiscard]] VmOptions options() const { return {{"SOJOURN_STORE=" + store()}, folder()}; }
    [[nodiscard]] VmResult run(const std::vector<std::string>& arguments) const {
        return vm(arguments, options());
    }
    [[nodiscard]] VmProcess start(const std::vector<std::string>& arguments) const {
        return {arguments, options()};
    }
    [[nodiscard]] nlohmann::json run_json(std::vector<std::string> arguments) const {
        const bool has_verb_below = arguments.front() == "store";
        arguments.insert(arguments.begin() + (has_verb_below ? 2 : 1), "--json");
        return nlohmann::json::parse(run(arguments).out, nullptr, false);
    }

    /// The row of `vm ps --json`, null when there is none.
    [[nodiscard]] nlohmann::json row_of(const std::string& name) const {
        const auto object = run_json({"ps"});
        for (const auto& row : object["processes"]) {
            if (row["name"] == name) return row;
        }
        return nullptr;
    }

private:
    TemporaryFolder folder_;
};

}  // namespace sojourn::tests
