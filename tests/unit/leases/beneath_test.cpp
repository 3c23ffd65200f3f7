#include "leases/internal/beneath.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <catch2/catch.hpp>

#include "tests/support/lease_fixture.hpp"

using namespace sojourn;
using namespace sojourn::leases;
using sojourn::test::TemporaryFolder;

namespace {

using Resolver = Answer<UniqueFd> (*)(int, const std::string&, OpenHow);

Answer<UniqueFd> by_walking(int root, const std::string& path, OpenHow how) {
    return open_beneath_by_walking(root, path, how);
}

/// A grant with a neighbour that holds a secret, and every way there that we could think of.
struct Sandbox {
    TemporaryFolder folder;
    UniqueFd root;

    Sandbox() {
        namespace fs = std::filesystem;
        const fs::path top = folder.path();
        fs::create_directories(top / "grant/inner/deep");
        fs::create_directories(top / "outside");
        folder.write("outside/secret", "secret");
        folder.write("grant/file", "file");
        folder.write("grant/inner/file", "inner");
        fs::create_symlink("../outside/secret", top / "grant/up");
        fs::create_symlink((top / "outside/secret").string(), top / "grant/absolute");
        fs::create_symlink("/etc", top / "grant/etc");
        fs::create_symlink("up", top / "grant/chain");
        fs::create_symlink("../../outside", top / "grant/inner/out");
        fs::create_symlink("inner/file", top / "grant/good");
        fs::create_symlink("inner/deep/..", top / "grant/winding");
        fs::create_symlink("../file", top / "grant/inner/back");
        fs::create_symlink("loop", top / "grant/loop");
        fs::create_symlink("inner", top / "grant/to_directory");
        root = UniqueFd(::open((top / "grant").c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
    }

    static std::string contents(const UniqueFd& fd) {
        std::string text(100, '\0');
        text.resize(static_cast<std::size_t>(::read(fd.get(), text.data(), text.size())));
        return text;
    }
};

}  // namespace

TEST_CASE("no name leads out of a grant", "[leases]") {
    const Resolver resolver = GENERATE(Resolver{open_beneath_by_kernel}, Resolver{by_walking});
    const Sandbox sandbox;
    const std::string path = GENERATE(
        as<std::string>{}, "../outside/secret", "inner/../../outside/secret", "/etc/passwd",
        "//etc/passwd", "up", "absolute", "chain", "etc/passwd", "inner/out/secret", "..", "../",
        "inner/../..", "../grant/file", "to_directory/out/secret");

    auto opened = resolver(sandbox.root.get(), path, {.flags = O_RDONLY});

    CAPTURE(path);
    REQUIRE_FALSE(opened.ok());
    REQUIRE(opened.error() == Errno::perm);
}

TEST_CASE("names that stay beneath a grant are opened", "[leases]") {
    const Resolver resolver = GENERATE(Resolver{open_beneath_by_kernel}, Resolver{by_walking});
    const Sandbox sandbox;
    const auto [path, text] = GENERATE(table<std::string, std::string>({
        {"file", "file"},
        {"./file", "file"},
        {"inner//file", "inner"},
        {"inner/../file", "file"},
        {"inner/deep/../../file", "file"},
        {"good", "inner"},
        {"winding/file", "inner"},
        {"inner/back", "file"},
        {"to_directory/back", "file"},
    }));

    auto opened = resolver(sandbox.root.get(), path, {.flags = O_RDONLY});

    CAPTURE(path);
    REQUIRE(opened.ok());
    REQUIRE(Sandbox::contents(*opened) == text);
}

TEST_CASE("names that are not there say why", "[leases]") {
    const Resolver resolver = GENERATE(Resolver{open_beneath_by_kernel}, Resolver{by_walking});
    const Sandbox sandbox;
    const auto [path, flags, error] = GENERATE(table<std::string, int, Errno>({
        {"", O_RDONLY, Errno::noent},
        {"absent", O_RDONLY, Errno::noent},
        {"absent/file", O_RDONLY, Errno::noent},
        {"file/more", O_RDONLY, Errno::notdir},
        {"file/", O_RDONLY, Errno::notdir},
        {"loop", O_RDONLY, Errno::loop},
        {"good", O_RDONLY | O_NOFOLLOW, Errno::loop},
        {"good", O_WRONLY | O_CREAT | O_EXCL, Errno::exist},
        {"new/", O_WRONLY | O_CREAT, Errno::isdir},
        {"loop/", O_WRONLY | O_CREAT, Errno::isdir},
        {"./", O_WRONLY | O_CREAT, Errno::isdir},
        {"./", O_WRONLY | O_CREAT | O_EXCL, Errno::exist},
        {"inner", O_WRONLY, Errno::isdir},
        {std::string("fi\0le", 5), O_RDONLY, Errno::inval},
        {"absent/" + std::string(4096, '/'), O_RDONLY, Errno::nametoolong},
    }));

    auto opened = resolver(sandbox.root.get(), path,
                           {.flags = flags, .mode = (flags & O_CREAT) != 0 ? 0600U : 0U});

    CAPTURE(path, flags);
    REQUIRE_FALSE(opened.ok());
    REQUIRE(opened.error() == error);
}

TEST_CASE("a symbolic link that is not to be followed can itself be opened", "[leases]") {
    const Resolver resolver = GENERATE(Resolver{open_beneath_by_kernel}, Resolver{by_walking});
    const Sandbox sandbox;

    auto link = resolver(sandbox.root.get(), "up", {.flags = O_PATH | O_NOFOLLOW});
    auto directory = resolver(sandbox.root.get(), "to_directory/", {.flags = O_PATH | O_NOFOLLOW});

    struct stat status {};
    REQUIRE(link.ok());
    REQUIRE(::fstat(link->get(), &status) == 0);
    REQUIRE(S_ISLNK(status.st_mode));
    REQUIRE(directory.ok());
    REQUIRE(::fstat(directory->get(), &status) == 0);
    REQUIRE(S_ISDIR(status.st_mode));
}

TEST_CASE("a file is created through a dangling link only beneath the grant", "[leases]") {
    const Resolver resolver = GENERATE(Resolver{open_beneath_by_kernel}, Resolver{by_walking});
    const Sandbox sandbox;
    const auto top = sandbox.folder.path();
    std::filesystem::create_symlink("../outside/new", top / "grant/bad");
    std::filesystem::create_symlink("inner/new", top / "grant/fine");
    const OpenHow how{.flags = O_WRONLY | O_CREAT, .mode = 0600};

    auto bad = resolver(sandbox.root.get(), "bad", how);
    auto fine = resolver(sandbox.root.get(), "fine", how);

    REQUIRE(bad.error() == Errno::perm);
    REQUIRE_FALSE(std::filesystem::exists(top / "outside/new"));
    REQUIRE(fine.ok());
    REQUIRE(std::filesystem::exists(top / "grant/inner/new"));
}

TEST_CASE("the parent of a name is found beneath the grant", "[leases]") {
    const Sandbox sandbox;
    const int root = sandbox.root.get();

    auto plain = open_parent_beneath(root, "inner/deep/name");
    auto slashes = open_parent_beneath(root, "inner//name//");

    REQUIRE(plain.ok());
    REQUIRE(plain->name == "name");
    REQUIRE_FALSE(plain->names_directory);
    REQUIRE(slashes.ok());
    REQUIRE(slashes->name == "name");
    REQUIRE(slashes->names_directory);
    REQUIRE(open_parent_beneath(root, "inner/out/name").error() == Errno::perm);
    REQUIRE(open_parent_beneath(root, "../name").error() == Errno::perm);
    REQUIRE(open_parent_beneath(root, "/name").error() == Errno::perm);
    REQUIRE(open_parent_beneath(root, "inner/..").error() == Errno::inval);
    REQUIRE(open_parent_beneath(root, ".").error() == Errno::inval);
}
