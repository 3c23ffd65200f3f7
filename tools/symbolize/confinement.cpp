#include "tools/symbolize/confinement.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>

namespace sojourn::symbolize {

namespace {

struct Limit {
    __rlimit_resource_t resource;
    rlim_t value;
};
constexpr Limit kLimits[] = {
    {RLIMIT_CPU, 5},  // seconds
    {RLIMIT_AS, rlim_t{2} << 30U},
    {RLIMIT_NOFILE, 0},
    {RLIMIT_CORE, 0},
};

#if defined(__x86_64__)
constexpr std::uint32_t kArchitecture = AUDIT_ARCH_X86_64;
#elif defined(__aarch64__)
constexpr std::uint32_t kArchitecture = AUDIT_ARCH_AARCH64;
#else
#error "which AUDIT_ARCH_ is this?"
#endif

/// Memory, the descriptors that are open, and the end.
constexpr std::uint32_t kAllowedCalls[] = {
    SYS_brk,   SYS_mmap,      SYS_mremap, SYS_munmap,     SYS_mprotect,     SYS_madvise, SYS_read,
    SYS_write, SYS_pread64,   SYS_lseek,  SYS_fstat,      SYS_newfstatat,   SYS_fcntl,   SYS_close,
    SYS_futex, SYS_getrandom, SYS_exit,   SYS_exit_group, SYS_rt_sigreturn,
};
constexpr std::size_t kAllowedCount = std::size(kAllowedCalls);
static_assert(kAllowedCount < 255, "a jump of the filter is a byte");

constexpr sock_filter statement(std::uint16_t code, std::uint32_t value) {
    return {code, 0, 0, value};
}
constexpr sock_filter jump_if_equal(std::uint32_t value, std::size_t then, std::size_t otherwise) {
    return {BPF_JMP | BPF_JEQ | BPF_K, static_cast<std::uint8_t>(then),
            static_cast<std::uint8_t>(otherwise), value};
}

/// Allows kAllowedCalls; anything else fails with EPERM.
constexpr auto filter_program() {
    std::array<sock_filter, kAllowedCount + 5> program{};
    std::size_t next = 0;
    program[next++] = statement(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, arch));
    program[next++] = jump_if_equal(kArchitecture, 0, kAllowedCount + 1);
    program[next++] = statement(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr));
    for (std::size_t i = 0; i < kAllowedCount; ++i)
        program[next++] = jump_if_equal(kAllowedCalls[i], kAllowedCount - i, 0);
    program[next++] = statement(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM);
    program[next++] = statement(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
    return program;
}

bool filter_system_calls() {
    static constexpr auto kProgram = filter_program();
    const sock_fprog filter{kProgram.size(), const_cast<sock_filter*>(kProgram.data())};
    return ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
           ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter, 0, 0) == 0;
}

}  // namespace

bool confine() {
    for (const Limit& limit : kLimits) {
        rlimit value{};
        if (::getrlimit(limit.resource, &value) != 0) return false;
        value.rlim_max = std::min(value.rlim_max, limit.value);  // it may be stricter already
        value.rlim_cur = value.rlim_max;
        if (::setrlimit(limit.resource, &value) != 0) return false;
    }
    return filter_system_calls();
}

}  // namespace sojourn::symbolize
