#include <atomic>
#include <fcntl.h>
#include <sys/syscall.h>
#include <thread>
#include <unistd.h>

#include <catch2/catch.hpp>

#include "leases/internal/beneath.hpp"
#include "tests/support/lease_fixture.hpp"

using namespace sojourn;
using namespace sojourn::leases;
using sojourn::test::TemporaryFolder;
namespace fs = std::filesystem;

namespace {

using Resolver = Answer<UniqueFd> (*)(int, const std::string&, OpenHow);

Answer<UniqueFd> by_walking(int root, const std::string& path, OpenHow how) {
    return open_beneath_by_walking(root, path, how);
}

/// Exchanges two names for as long as it lives, as fast as the kernel does it.
class Swapper {
public:
    Swapper(std::string first, std::string second)
        : thread_([this, first = std::move(first), second = std::move(second)] {
              while (!stop_.load(std::memory_order_relaxed)) {
                  constexpr unsigned kExchange = 2;  // RENAME_EXCHANGE
                  ::syscall(SYS_renameat2, AT_FDCWD, first.c_str(), AT_FDCWD, second.c_str(),
                            kExchange);
                  swaps.fetch_add(1, std::memory_order_relaxed);
              }
          }) {}
    ~Swapper() {
        stop_ = true;
        thread_.join();
    }
    std::atomic<std::uint64_t> swaps = 0;

private:
    std::atomic<bool> stop_ = false;
    std::thread thread_;
};

/// A grant beside a folder with secrets, and in it `door`, a directory that somebody else changes
/// for a link that leads out.
struct House {
    TemporaryFolder folder;
    UniqueFd root;

    House() {
        fs::create_directories(folder.path() / "grant/door/room");
        fs::create_directories(folder.path() / "outside/room");
        folder.write("grant/door/file", "mine");
        folder.write("grant/door/room/file", "mine");
        folder.write("outside/file", "secret");
        folder.write("outside/room/file", "secret");
        fs::create_symlink("../outside", folder.path() / "grant/link");
        root =
            UniqueFd(::open((folder.path() / "grant").c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
    }
    [[nodiscard]] std::string path(const std::string& name) const { return folder.path() / name; }
    static bool holds_secret(const UniqueFd& file) {
        char first = 0;
        return ::read(file.get(), &first, 1) == 1 && first == 's';
    }
};

constexpr int kAttempts = 3000;

}  // namespace

TEST_CASE("a directory that is exchanged for a link leads nobody out", "[leases][sandbox]") {
    const Resolver resolver = GENERATE(Resolver{open_beneath_by_kernel}, Resolver{by_walking});
    const House house;
    const Swapper swapper(house.path("grant/door"), house.path("grant/link"));
    int opened = 0;
    int refused = 0;

    for (int i = 0; i < kAttempts || (opened == 0 && i < 100 * kAttempts); ++i) {
        for (const char* name : {"door/file", "door/room/file", "door/room/../file"}) {
            const auto file = resolver(house.root.get(), name, {.flags = O_RDONLY});
            if (!file.ok()) {
                ++refused;
                continue;
            }
            ++opened;
            REQUIRE_FALSE(House::holds_secret(*const_cast<Answer<UniqueFd>&>(file)));
        }
    }

    CHECK(opened > 0);
    CAPTURE(refused, swapper.swaps.load());
    CHECK(swapper.swaps > 0);
}

TEST_CASE("a directory that is moved out while it is walked through is not left by its ..",
          "[leases][sandbox]") {
    const Resolver resolver = GENERATE(Resolver{open_beneath_by_kernel}, Resolver{by_walking});
    const House house;
    // Out of door/room, ".." would be the folder that holds the secret.
    const Swapper swapper(house.path("grant/door/room"), house.path("outside/room"));

    for (int i = 0; i < kAttempts; ++i) {
        auto file = resolver(house.root.get(), "door/room/../file", {.flags = O_RDONLY});
        if (file.ok()) REQUIRE_FALSE(House::holds_secret(*file));
    }
}

TEST_CASE("what changes names is not led out by a link that comes and goes", "[leases][sandbox]") {
    const House house;
    const auto grant =
        *HostDirectory::grant({.grant = house.path("grant"), .path = {}}, "/", nullptr);
    const Swapper swapper(house.path("grant/door"), house.path("grant/link"));

    for (int i = 0; i < kAttempts; ++i) {
        grant->create_directory("door/made");
        grant->symlink("x", "door/linked");
        grant->rename("door/made", *grant, "door/moved");
        grant->link("door/file", *grant, "door/hard");
        grant->unlink_file("door/linked");
        grant->unlink_file("door/hard");
        grant->remove_directory("door/moved");
        grant->remove_directory("door/made");
        if (i % 100 == 0) {
            std::size_t outside = 0;
            for ([[maybe_unused]] const auto& entry : fs::directory_iterator(house.path("outside")))
                ++outside;
            REQUIRE(outside == 2);
        }
    }
    REQUIRE(house.folder.read("outside/file") == "secret");
}
