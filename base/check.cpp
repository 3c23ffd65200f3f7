#include "base/check.hpp"

#include <cstdio>
#include <cstdlib>

namespace sojourn::internal {

void check_failed(const char* kind, const char* condition, const char* reason, const char* file,
                  int line) {
    std::fprintf(stderr, "sojourn: %s failed: %s (%s) at %s:%d\n", kind, condition, reason, file,
                 line);
    std::abort();
}

}  // namespace sojourn::internal
