#include <array>
#include <cerrno>
#include <fcntl.h>
#include <optional>
#include <unistd.h>
#include <vector>

#include <climits>

#include "leases/internal/beneath.hpp"

namespace sojourn::leases {

namespace {

constexpr int kSymbolicLinksMax = 40;  // as the kernel

/// Keeps every directory on the way open, so that ".." goes back to the one we came from, wherever
/// somebody has moved it meanwhile.
class Walk {
public:
    Walk(int root, std::string_view path, OpenHow how) : root_(root), rest_(path), how_(how) {}

    Answer<UniqueFd> run() {
        for (;;) {
            const Step step = next_step();
            if (step.name == ".." && directories_.empty()) return Errno::perm;
            if (step.is_last && makes_directory(step)) return Errno::isdir;
            const auto link = read_link_at(step.name);
            if (link && (!step.is_last || must_follow(step))) {
                if (const Errno error = enter_link(*link, step); error != Errno::success)
                    return error;
                continue;
            }
            if (step.is_last) return open_last(step);
            if (const Errno error = descend(step.name); error != Errno::success) return error;
        }
    }

private:
    struct Step {
        std::string name;
        bool is_last;
        bool needs_directory;  ///< a slash follows
    };

    int current() const { return directories_.empty() ? root_ : directories_.back().get(); }

    Step next_step() {
        const auto slash = rest_.find('/');
        Step step{.name = rest_.substr(0, slash), .is_last = false, .needs_directory = false};
        const auto next = slash == std::string::npos ? slash : rest_.find_first_not_of('/', slash);
        step.needs_directory = slash != std::string::npos;
        step.is_last = next == std::string::npos;
        rest_ = step.is_last ? std::string() : rest_.substr(next);
        return step;
    }

    /// No file can be made by such a name, whatever is there.
    bool makes_directory(const Step& step) const {
        const bool is_new = step.name != "." && step.name != "..";
        return step.needs_directory && is_new && (how_.flags & O_CREAT) != 0;
    }

    bool must_follow(const Step& step) const {
        if ((how_.flags & O_CREAT) != 0 && (how_.flags & O_EXCL) != 0) return false;
        return step.needs_directory || (how_.flags & O_NOFOLLOW) == 0;
    }

    std::optional<std::string> read_link_at(const std::string& name) const {
        std::array<char, PATH_MAX> target{};
        const ssize_t length = ::readlinkat(current(), name.c_str(), target.data(), target.size());
        if (length < 0) return std::nullopt;
        return std::string(target.data(), static_cast<std::size_t>(length));
    }

    Errno enter_link(const std::string& target, const Step& step) {
        if (++links_ > kSymbolicLinksMax) return Errno::loop;
        if (target.empty()) return Errno::noent;
        if (target.front() == '/') return Errno::perm;
        if (step.needs_directory) rest_.insert(rest_.begin(), '/');
        rest_.insert(0, target);
        return Errno::success;
    }

    Errno descend(const std::string& name) {
        if (name == ".") return Errno::success;
        if (name == "..") {
            directories_.pop_back();
            return Errno::success;
        }
        UniqueFd next(
            ::openat(current(), name.c_str(), O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
        if (!next.valid()) return errno_of_host(errno);
        directories_.push_back(std::move(next));
        return Errno::success;
    }

    Answer<UniqueFd> open_last(const Step& step) {
        const bool goes_up = step.name == "..";
        if (goes_up) directories_.pop_back();
        const std::string name = goes_up ? "." : step.name;
        int flags = how_.flags | O_NOFOLLOW | O_CLOEXEC;
        if (step.needs_directory && (flags & O_CREAT) == 0) flags |= O_DIRECTORY;
        const int fd = ::openat(current(), name.c_str(), flags, how_.mode);
        if (fd < 0) return errno_of_host(errno);
        return UniqueFd(fd);
    }

    int root_;
    std::string rest_;
    OpenHow how_;
    int links_ = 0;
    std::vector<UniqueFd> directories_;
};

}  // namespace

Answer<UniqueFd> open_beneath_by_walking(int root, std::string_view path, OpenHow how) {
    if (path.empty()) return Errno::noent;
    if (path.find('\0') != std::string_view::npos) return Errno::inval;
    if (path.front() == '/') return Errno::perm;
    if (path.size() >= PATH_MAX) return Errno::nametoolong;
    return Walk(root, path, how).run();
}

}  // namespace sojourn::leases
