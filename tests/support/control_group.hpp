#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>

/// Control groups of the kernel's memory controller, of version 2 or 1, whichever is there.
namespace sojourn::tests {

/// A group of its own, removed at the end of its life; no process may be in it then.
class ControlGroup {
public:
    /// nullptr where groups can't be made here; `why_not` says why.
    static std::unique_ptr<ControlGroup> create(std::string& why_not);
    ControlGroup(const ControlGroup&) = delete;
    ControlGroup& operator=(const ControlGroup&) = delete;
    ~ControlGroup();

    /// Its processes together get no more than so much memory, and no swap. Who takes more is
    /// killed. False, where the kernel refuses.
    [[nodiscard]] bool limit_memory(std::uint64_t bytes) const;

    /// Makes the kernel swap out what it can.
    void push_out() const;
    [[nodiscard]] std::uint64_t swapped_bytes() const;

    /// While it lives, this process is in the group, and what it starts stays in it.
    class Stay {
    public:
        explicit Stay(const ControlGroup& group);
        Stay(const Stay&) = delete;
        Stay& operator=(const Stay&) = delete;
        ~Stay();

    private:
        std::filesystem::path home_;
    };

private:
    ControlGroup(std::filesystem::path hierarchy, std::filesystem::path folder, bool is_version_2);

    std::filesystem::path hierarchy_;
    std::filesystem::path folder_;
    bool is_version_2_;
};

}  // namespace sojourn::tests
