#include "process/free_memory.hpp"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <string>

namespace sojourn::process {

namespace {

constexpr std::uint64_t kNoLimit = UINT64_MAX;

std::uint64_t available_bytes() {
    std::ifstream file("/proc/meminfo");
    std::string name;
    std::uint64_t kibibytes = 0;
    std::string rest;
    while (file >> name >> kibibytes && std::getline(file, rest)) {
        if (name == "MemAvailable:") return kibibytes * 1024;
    }
    return kNoLimit;
}

/// The smallest limit on the way from our control group to the root.
std::uint64_t control_group_limit_bytes() {
    const std::string mount = "/sys/fs/cgroup";
    constexpr std::string_view kVersion2 = "0::";
    std::ifstream groups("/proc/self/cgroup");
    std::string line;
    std::uint64_t least = kNoLimit;
    while (std::getline(groups, line)) {
        if (!line.starts_with(kVersion2)) continue;
        std::filesystem::path group = line.substr(kVersion2.size());
        for (; group.has_relative_path(); group = group.parent_path()) {
            std::ifstream limit(mount + group.native() + "/memory.max");
            std::uint64_t bytes = 0;
            if (limit >> bytes) least = std::min(least, bytes);
        }
    }
    return least;
}

}  // namespace

std::uint64_t free_memory_bytes() {
    return std::min(available_bytes(), control_group_limit_bytes());
}

}  // namespace sojourn::process
