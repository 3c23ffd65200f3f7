#include <array>
#include <fcntl.h>
#include <unistd.h>

#include <climits>

#include "leases/internal/beneath.hpp"
#include "tests/fuzz/seeds.hpp"
#include "tests/support/temporary_folder.hpp"

namespace sojourn::fuzz {

namespace fs = std::filesystem;
using namespace leases;

namespace {

/// What a name is put together from; other bytes stand for themselves.
constexpr std::array<std::string_view, 20> kPieces{
    "/",   "..", ".",   "/../",     "inner", "deep", "file",    "new", "up", "absolute",
    "top", "in", "out", "dangling", "loop",  "long", "winding", "//",  "x",  ""};

/// A directory that is granted, beside one that is not, and links of all kinds.
class Sandbox {
public:
    Sandbox() {
        fs::create_directories(grant() / "inner/deep");
        fs::create_directories(folder_.path() / "outside/inner");
        folder_.write("outside/file", "secret");
        folder_.write("grant/file", "");
        folder_.write("grant/inner/file", "");
        link("up", "../outside/file");
        link("absolute", (folder_.path() / "outside/file").native());
        link("top", folder_.name());
        link("out", "../outside");
        link("in", "inner/deep/../../inner");
        link("dangling", "inner/new");
        link("loop", "loop");
        link("winding", "in/deep/../../file");
        link("long", "inner/" + std::string(300, 'x'));
        link("inner/up", "..");
        link("inner/deep/top", "../../..");
        root_ = UniqueFd(::open(grant().c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
    }

    [[nodiscard]] int root() const { return root_.get(); }

    /// Below the grant, by what the kernel says of an open file; nullopt when it lies elsewhere.
    [[nodiscard]] std::optional<std::string> name_of(const UniqueFd& file) const {
        std::array<char, PATH_MAX> target{};
        const std::string link = "/proc/self/fd/" + std::to_string(file.get());
        const ssize_t length = ::readlink(link.c_str(), target.data(), target.size());
        const std::string_view path(target.data(),
                                    length < 0 ? 0 : static_cast<std::size_t>(length));
        if (path == grant().native()) return "";
        const std::string below = grant().native() + "/";
        if (!path.starts_with(below)) return std::nullopt;
        return std::string(path.substr(below.size()));
    }

    /// Takes away what was made since, so that each name meets the same sandbox.
    void clean() const {
        std::vector<fs::path> made;
        for (const auto& entry : fs::recursive_directory_iterator(grant())) {
            const bool was_there =
                entry.path() == grant() / "file" || entry.path() == grant() / "inner/file";
            if (entry.symlink_status().type() == fs::file_type::regular && !was_there)
                made.push_back(entry.path());
        }
        for (const fs::path& path : made)
            fs::remove(path);
    }

    /// What nobody may reach.
    [[nodiscard]] bool is_intact() const {
        const auto count = [](const fs::path& directory) {
            return std::distance(fs::directory_iterator(directory), fs::directory_iterator());
        };
        return folder_.read("outside/file") == "secret" && count(folder_.path()) == 2 &&
               count(folder_.path() / "outside") == 2 &&
               count(folder_.path() / "outside/inner") == 0;
    }

private:
    [[nodiscard]] fs::path grant() const { return folder_.path() / "grant"; }
    void link(const std::string& name, const std::string& target) const {
        fs::create_symlink(target, grant() / name);
    }

    tests::TemporaryFolder folder_;
    UniqueFd root_;
};

OpenHow how_of(std::uint8_t bits) {
    constexpr std::array kFlags{O_RDONLY,
                                O_WRONLY,
                                O_PATH,
                                O_RDONLY | O_DIRECTORY,
                                O_WRONLY | O_CREAT,
                                O_WRONLY | O_CREAT | O_EXCL,
                                O_PATH | O_DIRECTORY,
                                O_RDWR};
    const int flags = kFlags[bits % kFlags.size()] | ((bits & 8U) != 0 ? O_NOFOLLOW : 0);
    return {.flags = flags, .mode = (flags & O_CREAT) != 0 ? 0600U : 0U};
}

std::string name_of(Bytes bytes) {
    std::string name;
    for (const std::byte byte : bytes) {
        const auto number = std::to_integer<std::size_t>(byte);
        if (number < kPieces.size()) {
            name += kPieces[number];
        } else {
            name += static_cast<char>(byte);
        }
    }
    return name;
}

/// What came of opening: where it lies, or why not.
std::string outcome_of(const Sandbox& sandbox, Answer<UniqueFd> opened) {
    if (!opened.ok()) return "errno " + std::to_string(static_cast<unsigned>(opened.error()));
    const auto name = sandbox.name_of(*opened);
    EXPECTS(name, "nothing outside of a grant is reached");
    return "opened " + *name;
}

}  // namespace

Seeds seeds_of_paths() {
    constexpr std::array<std::string_view, 12> kNames{
        "inner/deep/file", "../outside/file", "in/../winding", "out/file",
        "dangling",        "inner/new",       "inner/up/up",   "top/outside/file",
        "loop/",           "long/file",       "./new/",        "absolute"};
    Seeds seeds;
    for (const std::string_view name : kNames) {
        for (const int bits : {0, 2, 4, 9, 13}) {
            ByteVector& seed = seeds.emplace_back(1, static_cast<std::byte>(bits));
            const Bytes text = as_bytes(name);
            seed.insert(seed.end(), text.begin(), text.end());
        }
    }
    return seeds;
}

/// The first byte says how to open, the rest a name.
void run_paths(Bytes input) {
    static const Sandbox sandbox;
    Input rest(input);
    const OpenHow how = how_of(rest.take<std::uint8_t>());
    const std::string name = name_of(rest.rest());

    const std::string by_kernel =
        outcome_of(sandbox, open_beneath_by_kernel(sandbox.root(), name, how));
    if ((how.flags & O_CREAT) != 0) sandbox.clean();
    const std::string by_walking =
        outcome_of(sandbox, open_beneath_by_walking(sandbox.root(), name, how));
    if ((how.flags & O_CREAT) != 0) sandbox.clean();
    // The kernel counts on when it has to begin a walk again, so that half as many links may be too
    // many for it.
    const bool agree = by_kernel == by_walking || by_kernel == outcome_of(sandbox, Errno::loop);
    if (!agree) {
        fmt::print(stderr, "'{}', flags {:#x}: {} by the kernel, {} by walking\n", name, how.flags,
                   by_kernel, by_walking);
    }
    EXPECTS(agree, "both ways lead to the same place");
    EXPECTS(sandbox.is_intact(), "nothing outside of a grant is changed");
    static_cast<void>(open_parent_beneath(sandbox.root(), name));
}

}  // namespace sojourn::fuzz
