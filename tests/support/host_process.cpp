#include "tests/support/host_process.hpp"

#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>

namespace sojourn::tests {

namespace {

std::filesystem::path folder_of(pid_t pid) {
    return std::filesystem::path("/proc") / std::to_string(pid);
}

/// The number behind `name` in a file of lines `name number …`.
std::uint64_t number_after(const std::string& name, const std::filesystem::path& file) {
    std::ifstream lines(file);
    for (std::string line; std::getline(lines, line);) {
        if (line.rfind(name, 0) == 0) return std::stoull(line.substr(name.size()));
    }
    return 0;
}

/// Whether a line of VmFlags names a range of a userfaultfd.
bool is_of_userfaultfd(const std::string& line) {
    return line.find(" um") != std::string::npos || line.find(" uw") != std::string::npos;
}

}  // namespace

std::uint64_t anonymous_bytes(pid_t pid) {
    return number_after("RssAnon:", folder_of(pid) / "status") << 10U;
}

std::uint64_t anonymous_guest_bytes(pid_t pid) {
    const std::string size_name = "Anonymous:";
    std::uint64_t in_guest_kib = 0;
    std::uint64_t in_this_range_kib = 0;
    std::ifstream lines(folder_of(pid) / "smaps");
    for (std::string line; std::getline(lines, line);) {
        if (line.rfind(size_name, 0) == 0)
            in_this_range_kib = std::stoull(line.substr(size_name.size()));
        if (line.rfind("VmFlags:", 0) == 0 && is_of_userfaultfd(line))
            in_guest_kib += in_this_range_kib;
    }
    return in_guest_kib << 10U;
}

std::uint64_t voluntary_switches(pid_t pid) {
    std::uint64_t switches = 0;
    std::error_code gone;
    for (const auto& thread : std::filesystem::directory_iterator(folder_of(pid) / "task", gone))
        switches += number_after("voluntary_ctxt_switches:", thread.path() / "status");
    return switches;
}

}  // namespace sojourn::tests
