#pragma once

#include <random>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "tests/support/vm_command.hpp"

/// Runs of a guest that is reincarnated, compared with a run that nobody disturbs.
namespace sojourn::tests {

struct Guest {
    std::string name;
    std::vector<std::string> arguments = {};
    int exit_code = 0;
    std::string input = {};     ///< its standard input
    bool is_on_volume = false;  ///< its files are in a volume, not in a directory
};

/// One run with all that it left behind.
struct Run {
    VmResult result;
    std::string files;
    nlohmann::json stats;
};

Run run_guest(const Guest& guest, const std::string& program,
              const std::vector<std::string>& options);

/// In what a process lives: every pair of these must give the same run.
struct Habitat {
    std::string mechanism;
    std::string cache;
};

/// Each mechanism of this host and each cache once, paired at random; all pairs when SOJOURN_MATRIX
/// is `whole`. After saying how to repeat it.
class HabitatMatrix {
public:
    HabitatMatrix();

    [[nodiscard]] std::vector<Habitat> habitats();
    /// Between 2 and `most`, small ones as likely as big ones.
    [[nodiscard]] std::uint64_t interval(std::uint64_t most);

private:
    std::mt19937_64 random_;
    std::vector<std::string> mechanisms_;
};

/// Compares a run in `habitat`, reincarnated at every `every`-th safepoint, with `expected`:
/// output, files, exit code, and how far it came. Gives the run for what else there is to see.
Run expect_same_when_reincarnated(const Guest& guest, const std::string& program,
                                  const Run& expected, const Habitat& habitat, std::uint64_t every);

}  // namespace sojourn::tests
