#include <sched.h>
#include <utility>

#include "vm/host/internal/wasi.hpp"

/// What a process is given, its clocks, its chance and its end.
namespace sojourn::vm {

namespace {

/// A call is not broken off while it runs, and this much takes a fraction of a second.
constexpr std::uint64_t kRandomBytesMax = std::uint64_t{64} << 20U;

/// What becomes of a process that receives a signal and has no handler, by WASI's number.
enum class SignalEffect : std::uint8_t { none, ends, stops };

constexpr std::uint32_t kSignalCount = 31;

constexpr SignalEffect effect_of(std::uint32_t signal) {
    switch (signal) {
        case 0:   // none
        case 16:  // chld
        case 17:  // cont
        case 22:  // urg
        case 27:  // winch
            return SignalEffect::none;
        case 18:  // stop
        case 19:  // tstp
        case 20:  // ttin
        case 21:  // ttou
            return SignalEffect::stops;
        default:
            return SignalEffect::ends;
    }
}

/// With the final zero byte.
std::uint64_t bytes_of(const std::vector<std::string>& strings) {
    std::uint64_t total = 0;
    for (const std::string& string : strings)
        total += string.size() + 1;
    return total;
}

}  // namespace

Errno Wasi::put_sizes(const std::vector<std::string>& strings, Address count, Address bytes) {
    if (!memory_.contains_word(count) || !memory_.contains_word(bytes)) return Errno::fault;
    const Errno error = memory_.write_word(count, strings.size());
    if (error != Errno::success) return error;
    return memory_.write_word(bytes, bytes_of(strings));
}

Errno Wasi::put_strings(const std::vector<std::string>& strings, Address pointers, Address bytes) {
    if (!memory_.contains_array(pointers, strings.size(), memory_.word_bytes())) {
        return Errno::fault;
    }
    if (!memory_.contains(bytes, bytes_of(strings))) return Errno::fault;
    for (const std::string& string : strings) {
        Errno error = memory_.write_word(pointers, bytes);
        if (error != Errno::success) return error;
        error = memory_.write_bytes(bytes, as_bytes({string.c_str(), string.size() + 1}));
        if (error != Errno::success) return error;
        pointers += memory_.word_bytes();
        bytes += string.size() + 1;
    }
    return Errno::success;
}

Errno Wasi::args_get(Address pointers, Address bytes) {
    return put_strings(state_.arguments, pointers, bytes);
}

Errno Wasi::args_sizes_get(Address count, Address bytes) {
    return put_sizes(state_.arguments, count, bytes);
}

Errno Wasi::environ_get(Address pointers, Address bytes) {
    return put_strings(state_.environment, pointers, bytes);
}

Errno Wasi::environ_sizes_get(Address count, Address bytes) {
    const bool changes = !state_.environment_to_come.empty();
    const Errno error =
        put_sizes(changes ? state_.environment_to_come : state_.environment, count, bytes);
    if (error == Errno::success && changes)
        state_.environment = std::exchange(state_.environment_to_come, {});
    return error;
}

Errno Wasi::clock_res_get(std::uint32_t clock, Address resolution) {
    if (clock > static_cast<std::uint32_t>(ClockId::thread_cpu)) return Errno::inval;
    return memory_.write(resolution, std::uint64_t{1});
}

Errno Wasi::clock_time_get(std::uint32_t clock, std::uint64_t, Address time) {
    auto service = this->clock();
    if (!service.ok()) return service.error();
    switch (ClockId{clock}) {
        case ClockId::realtime:
            return memory_.write(time, (*service)->realtime_ns());
        case ClockId::monotonic:
            return memory_.write(time, (*service)->monotonic_ns());
        case ClockId::process_cpu:
        case ClockId::thread_cpu:
            return memory_.write(time, (*service)->cpu_ns());
    }
    return Errno::inval;
}

Errno Wasi::random_get(Address buffer, Size length) {
    if (!memory_.contains(buffer, length)) return Errno::fault;
    if (length > kRandomBytesMax) return Errno::inval;
    auto service = state_.leases.use(state_.random);
    if (!service.ok()) return service.error();
    const GuestSlice slice{buffer, length};
    for (Pieces pieces(memory_, {&slice, 1}); !pieces.is_done();) {
        auto pinned = pieces.pin(GuestMemory::Access::write);
        if (!pinned.ok()) return pinned.error();
        const iovec& piece = pinned->iovecs.front();
        static_cast<leases::RandomService*>(*service)->fill(
            {static_cast<std::byte*>(piece.iov_base), piece.iov_len});
        pieces.advance(piece.iov_len);
    }
    return Errno::success;
}

Errno Wasi::proc_exit(std::uint32_t code) {
    ending_ = HostOutcome{.kind = HostOutcome::Kind::exited,
                          .exit_code = static_cast<std::int32_t>(code),
                          .trap = Trap::unreachable};
    return Errno::success;
}

Errno Wasi::proc_raise(std::uint32_t signal) {
    constexpr std::uint32_t kEndedBySignal = 128;  // as a shell tells it
    if (signal >= kSignalCount) return Errno::inval;
    switch (effect_of(signal)) {
        case SignalEffect::none:
            return Errno::success;
        case SignalEffect::stops:
            return Errno::notsup;  // nobody could tell it to go on
        case SignalEffect::ends:
            return proc_exit(kEndedBySignal + signal);
    }
    return Errno::inval;
}

Errno Wasi::sched_yield() {
    ::sched_yield();
    return Errno::success;
}

}  // namespace sojourn::vm
