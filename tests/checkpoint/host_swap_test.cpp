#include <csignal>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <sys/swap.h>
#include <unistd.h>

#include <catch2/catch.hpp>

#include "tests/checkpoint/process_fixture.hpp"
#include "tests/support/control_group.hpp"
#include "tests/support/input_pipe.hpp"

using namespace sojourn::tests;

namespace {

constexpr std::uint64_t kMiB = std::uint64_t{1} << 20U;

/// Swap space on the disk, for as long as it lives.
class SwapFile {
public:
    explicit SwapFile(std::string path) : path_(std::move(path)) {
        const std::string make = "fallocate -l 128M '" + path_ + "' && chmod 600 '" + path_ +
                                 "' && mkswap '" + path_ + "'";
        is_on_ = std::system((make + " >/dev/null 2>&1").c_str()) == 0 &&
                 ::swapon(path_.c_str(), 0) == 0;
    }
    SwapFile(const SwapFile&) = delete;
    SwapFile& operator=(const SwapFile&) = delete;
    ~SwapFile() {
        if (is_on_) ::swapoff(path_.c_str());
    }
    [[nodiscard]] bool is_on() const { return is_on_; }

private:
    std::string path_;
    bool is_on_ = false;
};

/// The process `swapped`, started or resumed in a control group.
class SwappedGuest {
public:
    SwappedGuest(const ProcessFixture& fixture, const ControlGroup& group,
                 const std::vector<std::string>& command)
        : group_(group), process_([&] {
              VmOptions options = fixture.options();
              options.standard_input = input_.reader();
              const ControlGroup::Stay stay(group);
              return std::make_unique<VmProcess>(command, options);
          }()) {}

    void await_round(int round) const {
        const std::string begin = "round " + std::to_string(round) + " wrong ";
        await_output(*process_, begin);
        REQUIRE(last_line(process_->out()) == begin + "0");
    }
    void go_on() const { input_.write("\n"); }
    /// Has the kernel swap out what it can; false when that is less than 16 MiB.
    [[nodiscard]] bool push_out() const {
        group_.push_out();
        return group_.swapped_bytes() >= 16 * kMiB;
    }
    void kill() {
        process_->send(SIGKILL);
        process_->wait();
    }

private:
    const ControlGroup& group_;
    InputPipe input_;
    std::unique_ptr<VmProcess> process_;
};

}  // namespace

TEST_CASE("a checkpoint holds what the host had swapped out when it was taken", "[checkpoint]") {
    const auto program = guest("swapped");
    if (!program) return;
    const ProcessFixture fixture;
    std::string why_not;
    const auto group = ControlGroup::create(why_not);
    const SwapFile swap(fixture.folder() / "swap");
    if (group == nullptr || !swap.is_on()) {
        std::cout << "test skipped: "
                  << (group == nullptr ? why_not : "swapon takes root and a disk that can swap")
                  << '\n';
        return;
    }
    const std::string mechanism = GENERATE("uffd-async", "uffd-sync", "mprotect");
    CAPTURE(mechanism);
    const std::vector<std::string> how{"--cache", "unlimited", "--heap-mechanism", mechanism};
    std::vector<std::string> start{"run", "--name", "swapped"};
    start.insert(start.end(), how.begin(), how.end());
    start.push_back(*program);
    std::vector<std::string> resume{"resume"};
    resume.insert(resume.end(), how.begin(), how.end());
    resume.emplace_back("swapped");

    // A full checkpoint and one of what was written since, both of memory that is swapped out.
    SwappedGuest first(fixture, *group, start);
    first.await_round(0);
    REQUIRE(first.push_out());
    REQUIRE(fixture.run({"checkpoint", "swapped"}).exit_code == 0);
    first.go_on();
    first.await_round(1);
    REQUIRE(first.push_out());
    REQUIRE(fixture.run({"checkpoint", "swapped"}).exit_code == 0);
    first.kill();
    SwappedGuest second(fixture, *group, resume);
    second.go_on();

    second.await_round(2);
}
