#pragma once

/// What this process gives up before it reads bytes that a guest chose.
namespace sojourn::symbolize {

/// From now on the process has some seconds of processor time and 2 GiB of addresses, opens no
/// file, starts nothing, leaves no core, and can make few other system calls (seccomp). Descriptors
/// that are open stay. False when the host refuses any of it.
bool confine();

}  // namespace sojourn::symbolize
