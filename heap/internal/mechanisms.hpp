#pragma once

#include "heap/mechanism.hpp"

/// One function a mechanism; heap/mechanism.cpp chooses. Errors: unsupported, with what is lacking.
namespace sojourn::heap {

Result<std::unique_ptr<Mechanism>> open_uffd_async();
Result<std::unique_ptr<Mechanism>> open_uffd_sync();
Result<std::unique_ptr<Mechanism>> open_mprotect();

}  // namespace sojourn::heap
