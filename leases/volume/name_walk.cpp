#include "leases/volume/internal/name_walk.hpp"

#include "leases/volume/internal/name_block.hpp"

namespace sojourn::leases::volume {

namespace {

constexpr int kSymbolicLinksMax = 40;  // as the kernel

Answer<void> check_path(std::string_view path) {
    if (path.empty()) return Errno::noent;
    if (path.find('\0') != std::string_view::npos) return Errno::inval;
    if (path.front() == '/') return Errno::perm;
    return {};
}

/// Remembers every directory on the way, so that ".." goes back to the one we came from.
class Walk {
public:
    Walk(const Volume::Parts& parts, InodeIndex start, std::string_view path, LastLink last_link,
         Purpose purpose)
        : parts_(parts),
          directories_{start},
          rest_(path),
          last_link_(last_link),
          purpose_(purpose) {}

    Answer<Destination> run() {
        for (;;) {
            const Step step = next_step();
            if (step.name == "." || step.name == "..") {
                TRY(move_within(step));
                if (step.is_last) return Destination{directories_.back(), {}, true, {}};
                continue;
            }
            auto found = TRY(parts_.find_name(directories_.back(), step.name));
            if (found && found->type == InodeType::link && follows(step)) {
                TRY(enter_link(found->inode, step));
            } else if (step.is_last) {
                return Destination{directories_.back(), step.name, step.needs_directory,
                                   std::move(found)};
            } else {
                TRY(descend(found));
            }
        }
    }

private:
    struct Step {
        std::string name;
        bool is_last = false;
        bool needs_directory = false;  ///< a slash follows
    };

    [[nodiscard]] bool follows(const Step& step) const {
        if (!step.is_last) return true;
        if (step.needs_directory) return purpose_ == Purpose::find;
        return last_link_ == LastLink::follow;
    }

    Step next_step() {
        const auto slash = rest_.find('/');
        const auto next = slash == std::string::npos ? slash : rest_.find_first_not_of('/', slash);
        Step step{.name = rest_.substr(0, slash),
                  .is_last = next == std::string::npos,
                  .needs_directory = slash != std::string::npos};
        rest_ = step.is_last ? std::string() : rest_.substr(next);
        return step;
    }

    Answer<void> move_within(const Step& step) {
        // What is no directory has neither.
        TRY(parts_.load_directory(directories_.back()));
        if (step.name == ".") return {};
        if (directories_.size() == 1) return Errno::perm;
        directories_.pop_back();
        return {};
    }

    Answer<void> enter_link(InodeIndex link, const Step& step) {
        if (++links_ > kSymbolicLinksMax) return Errno::loop;
        std::string target = TRY(parts_.link_target(link));
        TRY(check_path(target));
        if (step.needs_directory) target += '/';
        rest_.insert(0, target);
        return {};
    }

    Answer<void> descend(const std::optional<Name>& found) {
        if (!found) return Errno::noent;
        if (found->type != InodeType::directory) return Errno::notdir;
        directories_.push_back(found->inode);
        return {};
    }

    const Volume::Parts& parts_;
    std::vector<InodeIndex> directories_;
    std::string rest_;
    LastLink last_link_;
    Purpose purpose_;
    int links_ = 0;
};

}  // namespace

Answer<Destination> walk(const Volume::Parts& parts, InodeIndex start, std::string_view path,
                         LastLink last_link, Purpose purpose) {
    TRY(check_path(path));
    return Walk(parts, start, path, last_link, purpose).run();
}

Answer<Destination> walk_to_name(const Volume::Parts& parts, InodeIndex start,
                                 std::string_view path) {
    TRY(check_path(path));
    const bool names_directory = path.ends_with('/');
    path = path.substr(0, path.find_last_not_of('/') + 1);
    const auto name = path.substr(path.rfind('/') + 1);
    if (name == "." || name == "..") {
        // Neither can be made or removed, wherever it would lead.
        const std::string above = std::string(path.substr(0, path.size() - name.size())) + '.';
        TRY(walk(parts, start, above, LastLink::follow));
        return Errno::inval;
    }
    Destination destination = TRY(walk(parts, start, path, LastLink::keep));
    destination.names_directory = names_directory;
    return destination;
}

}  // namespace sojourn::leases::volume
