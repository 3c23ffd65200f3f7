#pragma once

#include <array>
#include <atomic>
#include <memory>
#include <vector>

#include "base/clock.hpp"
#include "base/file.hpp"
#include "base/random.hpp"
#include "leases/grant.hpp"
#include "leases/lease.hpp"
#include "leases/relocation.hpp"

/// What can be leased. A service does its work on host objects, can write down how to get itself
/// again (capture), gives the host objects back (release) and gets them again (reacquire).
/// Operations answer with a WASI preview 1 errno, since that is what the guest will see.
namespace sojourn::leases {

/// The errno of `wasi_snapshot_preview1`; only those that services produce are named.
enum class Errno : std::uint16_t {
#define ERRNO(name, number, host) name = number,
#include "leases/errno.def"
#undef ERRNO
};

Errno errno_of_host(int host_errno);
/// Of a call that returns 0, or -1 and sets errno.
Errno errno_of_call(int result);

/// What every use of a lost lease of this kind answers.
Errno errno_of_lost(ServiceKind kind);

/// Whether a descriptor of the guest can name it.
bool is_descriptor(ServiceKind kind);
/// Whether names can be resolved beneath it.
bool is_directory(ServiceKind kind);

/// Either a value or an Errno other than success; TRY takes it as it takes a Result.
template <typename T>
class [[nodiscard]] Answer {
public:
    Answer(T value) : value_(std::move(value)) {}
    /// Requires: not success.
    Answer(Errno error) : error_(error) {
        EXPECTS(error != Errno::success, "an answer without a value has an error");
    }
    [[nodiscard]] bool ok() const { return error_ == Errno::success; }
    [[nodiscard]] Errno error() const { return error_; }
    T& operator*() { return value_; }
    T* operator->() { return &value_; }
    T&& value() && { return std::move(value_); }

private:
    T value_{};
    Errno error_ = Errno::success;
};

template <>
class [[nodiscard]] Answer<void> {
public:
    Answer() = default;
    Answer(Errno error) : error_(error) {}
    [[nodiscard]] bool ok() const { return error_ == Errno::success; }
    [[nodiscard]] Errno error() const { return error_; }
    void value() const {}

private:
    Errno error_ = Errno::success;
};

/// Breaks blocking operations off: whoever wants the guest at a safepoint raises it, and a
/// service that would wait answers Errno::intr at once. Usable from any thread and from signal
/// handlers.
class Interrupt {
public:
    static Result<std::unique_ptr<Interrupt>> create();
    void raise();
    void clear();
    [[nodiscard]] bool raised() const { return raised_.load(std::memory_order_acquire); }
    /// Readable while raised: for poll(2).
    [[nodiscard]] int fd() const { return event_.get(); }

private:
    std::atomic<bool> raised_ = false;
    UniqueFd event_;
};

class Console;
class FileHistory;
class Terminal;
class Volumes;

/// What a service may use of its host. Borrowed; outlives every service.
struct Host {
    const Clock& clock;
    Random& random;
    Interrupt& interrupt;
    std::array<int, 3> streams = {0, 1, 2};  ///< what the guest's standard streams are here
    std::uint32_t descriptors_max = 1024;    ///< that a guest may have open
    FileHistory* files = nullptr;  ///< nullptr: nothing will be resumed, so nothing is noted
    Volumes* volumes = nullptr;    ///< of this life of the process; nullptr: it does not run here
    Terminal* terminal = nullptr;  ///< behind those of the streams that are one; nullptr: none is
    Console* console = nullptr;    ///< instead of the streams, of a detached runner: `terminal` too
};

struct Place;

class Service {
public:
    virtual ~Service() = default;
    virtual ServiceKind kind() const = 0;
    /// For people, in `vm leases`.
    virtual std::string description() const = 0;

    /// The recipe and the state, enough for reacquire() elsewhere. Makes what the guest wrote so
    /// far visible to others, where the service buffers.
    virtual Result<ByteVector> capture() = 0;
    /// Gives every host object back. The state stays, for reacquire().
    virtual void release() = 0;
    /// Gets the host objects again. Errors: whatever the host says; the lease is then lost.
    virtual Result<void> reacquire(const Host& host) = 0;

    /// Whether reacquire() would succeed here and now, with what the checkpoint saw where that was
    /// asked for; changes nothing. Requires: released.
    virtual Result<void> probe(const Host& /*host*/) const { return {}; }
    /// What of the host the recipe names. Each of these is enough, the widest first; none: it
    /// reaches nothing that has to be granted.
    virtual std::vector<Grant> sufficient_grants() const { return {}; }
    /// From now on the recipe names what is called otherwise here. Requires: released.
    virtual void relocate(const Relocation& /*relocation*/) {}
    /// Where it is found again; nullptr for what has no place.
    virtual Place* place() { return nullptr; }
    /// The guest has given it up for good; the destructor follows.
    virtual void let_go() {}
    /// The guest has renamed what lay at `from`, which may be this or hold this.
    virtual void follow_rename(const Place& /*from*/, const Place& /*to*/) {}
};

/// The service that capture() wrote down, holding nothing of the host until reacquire(). Trusts
/// nothing it reads. Errors: corrupt.
Result<std::unique_ptr<Service>> restore_service(ServiceKind kind, Bytes state);

}  // namespace sojourn::leases
