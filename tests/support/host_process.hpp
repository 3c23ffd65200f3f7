#pragma once

#include <cstdint>
#include <sys/types.h>

/// What the kernel tells of another process (/proc). A process that is gone counts as 0.
namespace sojourn::tests {

/// Anonymous memory that it has in RAM, in bytes (RssAnon).
std::uint64_t anonymous_bytes(pid_t pid);

/// The part of it that lies in the guest's regions. With the heap mechanism `mprotect` they are no
/// anonymous memory, and this is 0.
std::uint64_t anonymous_guest_bytes(pid_t pid);

/// How often its threads have waited for something so far: each waiting is one more wake-up.
std::uint64_t voluntary_switches(pid_t pid);

}  // namespace sojourn::tests
