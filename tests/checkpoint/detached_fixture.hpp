#pragma once

#include <csignal>

#include "tests/checkpoint/process_fixture.hpp"

namespace sojourn::tests {

/// A fixture whose processes run detached: what still runs at the end is killed.
class DetachedFixture : public ProcessFixture {
public:
    DetachedFixture() = default;
    DetachedFixture(const DetachedFixture&) = delete;
    DetachedFixture& operator=(const DetachedFixture&) = delete;
    ~DetachedFixture() {
        const auto listed = run_json({"ps"});
        if (!listed.is_object()) return;
        for (const auto& row : listed["processes"]) {
            if (row["pid"].is_number()) kill_and_wait(row["name"]);
        }
    }

    /// SIGKILL to the runner; returns when it is gone.
    void kill_and_wait(const std::string& name) const {
        const auto pid = row_of(name)["pid"];
        if (pid.is_number()) ::kill(pid.get<pid_t>(), SIGKILL);
        static_cast<void>(run({"wait", name}));
    }

    [[nodiscard]] std::string log_of(const std::string& name) const {
        return run({"logs", name}).out;
    }
    /// Waits until the process has said `text`.
    void await_said(const std::string& name, const std::string& text) const {
        await("the log to have " + text,
              [&] { return log_of(name).find(text) != std::string::npos; });
    }
};

}  // namespace sojourn::tests
