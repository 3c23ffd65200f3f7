#include "tests/checkpoint/process_fixture.hpp"

#include <unistd.h>

namespace sojourn::tests {

void ProcessFixture::await_output(const VmProcess& process, const std::string& text) {
    while (process.out().find(text) == std::string::npos)
        ::usleep(2000);
}

}  // namespace sojourn::tests
