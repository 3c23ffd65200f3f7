#pragma once

#include <deque>
#include <functional>
#include <mutex>
#include <optional>
#include <string>

#include "leases/manager.hpp"
#include "store/types.hpp"
#include "vm/machine.hpp"

namespace sojourn::process {

/// Something that the guest's thread has to do at its next safepoint.
struct Request {
    enum class Kind { checkpoint, suspend, stop, leases };
    Kind kind = Kind::checkpoint;
    std::string message;
    std::uint64_t requested_at_ns = 0;  ///< monotonic
    bool ends_runner = false;           ///< the runner ends even if the suspend fails
    bool is_out_of_time = false;        ///< why it asks
    bool only_if_changed = false;  ///< no checkpoint if the guest has done nothing since the last
    bool guest_waits = false;      ///< for the answer, so that nothing is gained by letting it run
    bool is_precopied = false;     ///< what was dirty when it came is in the store already
    /// Called once, on the guest's thread, when the moment is captured; may be empty.
    std::function<void()> captured;
    /// Of kind `leases`: called once, on the guest's thread; it answers then.
    std::function<void(leases::LeaseManager&)> with_leases;
    /// Called once, from any thread, when it is durable or failed, or nothing had changed: then the
    /// info has no id. Of kind `leases`: only when the process ends before.
    std::function<void(const Result<store::CheckpointInfo>&)> answer;
};

/// Where requests wait for the guest to stand still. A request that arrives stops the machine at
/// its next safepoint and breaks off a host call that blocks. Usable from any thread; borrows the
/// interrupt, and a machine between attach() and detach().
class Inbox {
public:
    explicit Inbox(leases::Interrupt& interrupt) : interrupt_(interrupt) {}

    /// `machine` is the one to stop from now on.
    void attach(vm::Machine& machine);
    void detach();

    /// After close() the request is answered with its reason at once.
    void post(Request request);

    /// As post(), for one that was taken and comes before all that wait.
    void put_back(Request request);

    /// Stops the machine if something waits.
    void wake();
    /// Stops the machine whether something waits or not.
    void stop_machine();

    /// The machine stands still: what stopped it is taken back. Call before take(), so that what
    /// arrives in between stops it again.
    void acknowledge_pause();

    /// The oldest request. With `ends_only`, nothing if that is a checkpoint.
    std::optional<Request> take(bool ends_only);

    [[nodiscard]] bool has_requests();

    /// Answers everything that waits, or will come, with `reason`.
    void close(const Error& reason);

private:
    void add(Request request, bool to_front);
    void stop_locked();

    std::mutex mutex_;
    leases::Interrupt& interrupt_;
    vm::Machine* machine_ = nullptr;
    std::deque<Request> requests_;
    std::optional<Error> closed_because_;
};

}  // namespace sojourn::process
