#include "base/random.hpp"

#include <cerrno>
#include <sys/random.h>

#include "base/check.hpp"

namespace sojourn {

void SystemRandom::fill(MutableBytes out) {
    while (!out.empty()) {
        const ssize_t got = ::getrandom(out.data(), out.size(), 0);
        if (got < 0) {
            INVARIANT(errno == EINTR, "getrandom fails on signals alone");
            continue;
        }
        out = out.subspan(static_cast<std::size_t>(got));
    }
}

}  // namespace sojourn
