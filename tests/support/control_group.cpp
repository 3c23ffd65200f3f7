#include "tests/support/control_group.hpp"

#include <fstream>
#include <sstream>
#include <thread>
#include <unistd.h>
#include <utility>

namespace sojourn::tests {

namespace {

const std::filesystem::path kRoot = "/sys/fs/cgroup";

bool write_text(const std::filesystem::path& file, const std::string& text) {
    std::ofstream stream(file);
    stream << text << std::flush;
    return stream.good();
}

std::string read_text(const std::filesystem::path& file) {
    std::ostringstream text;
    text << std::ifstream(file).rdbuf();
    return text.str();
}

/// The group that this process is in, below the mount of its hierarchy.
std::string own_group(bool is_version_2) {
    std::istringstream lines(read_text("/proc/self/cgroup"));
    for (std::string line; std::getline(lines, line);) {
        const auto first = line.find(':');
        const auto second = line.find(':', first + 1);
        const std::string controllers = line.substr(first + 1, second - first - 1);
        if (controllers == (is_version_2 ? "" : "memory")) return line.substr(second + 2);
    }
    return "";
}

void join(const std::filesystem::path& group) {
    write_text(group / "cgroup.procs", std::to_string(::getpid()));
}

}  // namespace

std::unique_ptr<ControlGroup> ControlGroup::create(std::string& why_not) {
    const bool is_version_2 =
        read_text(kRoot / "cgroup.subtree_control").find("memory") != std::string::npos;
    const std::filesystem::path hierarchy = is_version_2 ? kRoot : kRoot / "memory";
    const char* probe = is_version_2 ? "cgroup.procs" : "memory.limit_in_bytes";
    if (!std::filesystem::exists(hierarchy / probe)) {
        why_not = "no memory controller of control groups in /sys/fs/cgroup";
        return nullptr;
    }
    const auto folder = hierarchy / ("sojourn-" + std::to_string(::getpid()));
    std::error_code error;
    std::filesystem::create_directory(folder, error);
    if (!error && ::access((folder / "cgroup.procs").c_str(), W_OK) == 0) {
        return std::unique_ptr<ControlGroup>(new ControlGroup(hierarchy, folder, is_version_2));
    }
    why_not = "a control group can't be made in " + hierarchy.string() + "; it takes root";
    return nullptr;
}

ControlGroup::ControlGroup(std::filesystem::path hierarchy, std::filesystem::path folder,
                           bool is_version_2)
    : hierarchy_(std::move(hierarchy)), folder_(std::move(folder)), is_version_2_(is_version_2) {}

ControlGroup::~ControlGroup() {
    // A process leaves its group some time after it was waited for.
    for (int attempt = 0; attempt < 100 && ::rmdir(folder_.c_str()) != 0; ++attempt)
        std::this_thread::sleep_for(std::chrono::milliseconds(10));
}

bool ControlGroup::limit_memory(std::uint64_t bytes) const {
    const std::string limit = std::to_string(bytes);
    if (is_version_2_) {
        const auto swap_limit = folder_ / "memory.swap.max";
        return write_text(folder_ / "memory.max", limit) &&
               (!std::filesystem::exists(swap_limit) || write_text(swap_limit, "0"));
    }
    const auto with_swap = folder_ / "memory.memsw.limit_in_bytes";
    return write_text(folder_ / "memory.limit_in_bytes", limit) &&
           (!std::filesystem::exists(with_swap) || write_text(with_swap, limit));
}

void ControlGroup::push_out() const {
    // The kernel stops short of what it was told, and says so; the caller looks what is out.
    constexpr int kAttempts = 5;
    for (int attempt = 0; attempt < kAttempts; ++attempt) {
        if (is_version_2_) {
            write_text(folder_ / "memory.reclaim", "1G");
        } else {
            write_text(folder_ / "memory.limit_in_bytes", "64K");
        }
    }
    if (!is_version_2_) write_text(folder_ / "memory.limit_in_bytes", "-1");
}

std::uint64_t ControlGroup::swapped_bytes() const {
    if (is_version_2_) {
        const std::string text = read_text(folder_ / "memory.swap.current");
        return text.empty() ? 0 : std::stoull(text);
    }
    std::istringstream lines(read_text(folder_ / "memory.stat"));
    for (std::string name, value; lines >> name >> value;) {
        if (name == "swap") return std::stoull(value);
    }
    return 0;
}

ControlGroup::Stay::Stay(const ControlGroup& group)
    : home_(group.hierarchy_ / own_group(group.is_version_2_)) {
    join(group.folder_);
}

ControlGroup::Stay::~Stay() {
    join(home_);
}

}  // namespace sojourn::tests
