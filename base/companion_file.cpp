#include "base/companion_file.hpp"

#include <filesystem>

namespace sojourn {

Result<std::string> companion_file(const std::string& name) {
    std::error_code error;
    const auto own = std::filesystem::read_symlink("/proc/self/exe", error);
    if (error) return fail_errno(error.value(), "cannot tell where this program lies");
    const auto folder = own.parent_path();
    const auto installed = folder.parent_path() / "libexec" / "sojourn" / name;
    return (std::filesystem::exists(installed, error) ? installed : folder / name).native();
}

}  // namespace sojourn
