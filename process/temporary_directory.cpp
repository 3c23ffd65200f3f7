#include "process/temporary_directory.hpp"

#include <cerrno>
#include <cstdlib>

namespace sojourn::process {

Result<std::unique_ptr<TemporaryDirectory>> TemporaryDirectory::create() {
    const char* parent = std::getenv("TMPDIR");
    std::string pattern = parent != nullptr && *parent != '\0' ? parent : "/tmp";
    pattern += "/sojourn-XXXXXX";
    if (::mkdtemp(pattern.data()) == nullptr) {
        return fail_errno(errno, "cannot make a temporary directory {}; TMPDIR chooses the place",
                          pattern);
    }
    return std::unique_ptr<TemporaryDirectory>(new TemporaryDirectory(pattern));
}

void TemporaryDirectory::remove() const {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
}

}  // namespace sojourn::process
