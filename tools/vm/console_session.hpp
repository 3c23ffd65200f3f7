#pragma once

#include <memory>
#include <optional>
#include <string>

#include "leases/own_terminal.hpp"
#include "process/console_protocol.hpp"
#include "process/process.hpp"
#include "process/remote.hpp"
#include "tools/vm/log_view.hpp"

namespace sojourn::tools {

/// Our streams as the terminal of a detached process, from now until it has no runner any more or
/// whoever sits here leaves. Its output comes out of its log, what is typed goes to its runner.
class ConsoleSession {
public:
    enum class End {
        detached,  ///< the key was typed
        closed,    ///< the runner has gone, or is about to
    };
    /// Leaves the process alone: Ctrl-], on a terminal.
    static constexpr char kDetachKey = 0x1d;

    /// Errors: as process::attach(), and those of our streams.
    static Result<End> perform(const std::filesystem::path& run_directory,
                               const store::ProcessRecord& record,
                               const process::DetachedFiles& files);

private:
    ConsoleSession(process::Attached attached, std::optional<LogView> log,
                   std::unique_ptr<leases::OwnTerminal> terminal, UniqueFd resized)
        : attached_(std::move(attached)),
          log_(std::move(log)),
          terminal_(std::move(terminal)),
          resized_(std::move(resized)) {}

    Result<End> run();
    /// False when the key was typed that leaves.
    Result<bool> forward_typed();
    void send(const process::ConsoleMessage& message);
    /// False when the runner has closed the connection.
    bool exchange(short events);
    void obey();

    process::Attached attached_;
    std::optional<LogView> log_;  ///< nullopt: its output goes elsewhere
    std::unique_ptr<leases::OwnTerminal> terminal_;
    UniqueFd resized_;  ///< readable when the window has changed
    std::string unsent_;
    bool has_input_ended_ = false;
};

}  // namespace sojourn::tools
