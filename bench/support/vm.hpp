#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <sys/types.h>
#include <vector>

#include <nlohmann/json.hpp>

#include "tests/support/temporary_folder.hpp"

/// The vm of this build, driven as a user does. What can't be done throws, with the reason.
namespace sojourn::bench {

/// Monotonic.
std::uint64_t now_ns();

/// `name` of bench/guests. Throws when it was not built.
std::string guest(const std::string& name);

/// Whether `vm VERB` takes an option of this name (`--cache`).
bool takes_option(const std::string& verb, const std::string& option);

/// A `vm` that runs, whose stdin and stdout are pipes. Killed at the end of its life.
class RunningVm {
public:
    explicit RunningVm(std::vector<std::string> arguments);
    RunningVm(RunningVm&& other) noexcept;
    RunningVm& operator=(RunningVm&&) = delete;
    ~RunningVm();

    [[nodiscard]] pid_t pid() const { return pid_; }
    [[nodiscard]] std::uint64_t started_at_ns() const { return started_at_ns_; }

    void send(const std::string& line) const;
    /// The next line of stdout; nullopt at its end. Throws when none comes for two minutes.
    std::optional<std::string> next_line();
    /// As next_line(); throws at the end.
    std::string read_line();
    /// send(), then read_line().
    std::string ask(const std::string& line);
    /// As ask(): the number behind the answer's first word.
    std::uint64_t ask_number(const std::string& line);
    /// SIGKILL, and waits until it is gone.
    void kill();
    /// Waits for its end; gives the exit code.
    int wait();

private:
    pid_t pid_ = 0;
    std::uint64_t started_at_ns_ = 0;
    int input_ = -1;
    int output_ = -1;
    std::string unread_;
};

/// The number behind a line's first word: 12 of `gap 12`.
std::uint64_t number_in(const std::string& line);

/// A fresh store and the verbs on it.
class VmStore {
public:
    [[nodiscard]] RunningVm start(std::vector<std::string> arguments) const;
    /// To its end; throws unless it ends with 0. What it prints on stdout.
    std::string run(std::vector<std::string> arguments) const;
    [[nodiscard]] nlohmann::json run_json(std::vector<std::string> arguments) const;

    /// The checkpoints of a process as `vm log` tells them, oldest first.
    [[nodiscard]] std::vector<nlohmann::json> log(const std::string& name) const;
    /// What the store takes on the disk.
    [[nodiscard]] std::uint64_t bytes_on_disk() const;
    [[nodiscard]] std::filesystem::path folder() const { return folder_.path(); }
    /// The store itself, in that folder.
    [[nodiscard]] std::filesystem::path location() const { return folder_.path() / "store"; }

private:
    tests::TemporaryFolder folder_;
};

}  // namespace sojourn::bench
