#include <cstddef>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <thread>

#include <catch2/catch.hpp>

#include "tests/checkpoint/process_fixture.hpp"

using namespace sojourn::tests;

namespace {

constexpr std::uint32_t kMovePages = 0xc028aa05;  // UFFDIO_MOVE, which came with Linux 6.8

/// This thread, and what it starts, is on a kernel that does not know how to move pages.
bool forget_how_to_move_pages() {
    const auto field = [](std::size_t offset) { return static_cast<std::uint32_t>(offset); };
    sock_filter program[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, field(offsetof(seccomp_data, nr))),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_ioctl, 0, 3),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, field(offsetof(seccomp_data, args[1]))),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, kMovePages, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EINVAL),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    sock_fprog filter{std::size(program), program};
    return ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
           ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) == 0;
}

/// As ProcessFixture::run, on a host that cannot evict with uffd-async.
VmResult run_where_nothing_moves(const ProcessFixture& fixture,
                                 const std::vector<std::string>& arguments) {
    VmResult result;
    std::thread([&] {
        if (forget_how_to_move_pages()) result = fixture.run(arguments);
    }).join();
    return result;
}

}  // namespace

TEST_CASE("a host that cannot evict refuses a limited cache before anything is made",
          "[checkpoint]") {
    const auto program = guest("arithmetic");
    if (!program) return;
    const ProcessFixture fixture;
    const std::string mechanism = "--heap-mechanism=uffd-async";
    const VmResult plain = fixture.run({"run", "--cache", "1M", mechanism, *program});
    if (plain.exit_code == 125) {
        WARN("not on this host: " << plain.err);
        return;
    }

    const VmResult limited = run_where_nothing_moves(
        fixture, {"run", "--name", "job", "--cache", "1M", mechanism, *program});
    const bool is_store_made = std::filesystem::exists(fixture.store());
    const VmResult unlimited = run_where_nothing_moves(
        fixture, {"run", "--name", "job", "--cache", "unlimited", mechanism, *program});

    CHECK(limited.exit_code == 125);
    CHECK(limited.err.find("cannot be taken out") != std::string::npos);
    CHECK(limited.err.find("--cache unlimited") != std::string::npos);
    CHECK_FALSE(is_store_made);
    CHECK(unlimited.err.empty());
    CHECK(unlimited.exit_code == 7);
}
