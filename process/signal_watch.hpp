#pragma once

#include <csignal>
#include <functional>
#include <memory>
#include <thread>
#include <vector>

#include "base/file.hpp"

namespace sojourn::process {

/// Takes signals out of their usual way and hands them to a function on a thread of its own.
/// Those that the caller of this program wants ignored stay ignored. Start it before other
/// threads, which inherit the mask; one at a time.
class SignalWatch {
public:
    static Result<std::unique_ptr<SignalWatch>> start(const std::vector<int>& signals,
                                                      std::function<void(int signal)> handler);
    SignalWatch(const SignalWatch&) = delete;
    SignalWatch& operator=(const SignalWatch&) = delete;
    /// The signals do again what they did before.
    ~SignalWatch();

    /// Ends this host process as the signal would have; for handlers. Thread-safe.
    [[noreturn]] static void die_of(int signal);

private:
    SignalWatch() = default;
    void serve();

    UniqueFd signals_;
    UniqueFd stop_;
    std::function<void(int signal)> handler_;
    sigset_t mask_before_{};
    std::thread thread_;
};

}  // namespace sojourn::process
