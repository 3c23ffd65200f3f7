#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <vector>

/// What a benchmark found, as a table for people or as JSON for scripts.
namespace sojourn::bench {

struct Options {
    bool json = false;
    bool quick = false;  ///< fewer repetitions, and without what takes long by its nature

    [[nodiscard]] int repetitions(int usually, int when_quick) const {
        return quick ? when_quick : usually;
    }
};

/// The median of `n` samples, and what 99 of 100 are better than or as good as: of less than a
/// hundred, the worst.
struct Figure {
    double value = 0;
    double p99 = 0;
    std::size_t n = 0;
};

enum class Better { lower, higher };

/// Requires: at least one sample.
Figure figure_of(std::vector<double> samples, Better better = Better::lower);
double median_of(const std::vector<double>& samples);

struct Target {
    enum class Kind { at_most, at_least } kind;
    double value;
};
constexpr Target at_most(double value) {
    return {Target::Kind::at_most, value};
}
constexpr Target at_least(double value) {
    return {Target::Kind::at_least, value};
}

/// What the same run measured of something else, in the row's unit.
struct Peer {
    std::string name;
    std::optional<double> value;
};

/// `figure.value` is what `target` is about.
struct Row {
    std::string name;
    std::string unit;
    Figure figure;
    Peer peer = {};
    std::optional<Target> target = std::nullopt;
};

class Report {
public:
    /// Prints what the machine is and does at the moment.
    explicit Report(const Options& options);

    /// Prints the row, unless the rows are to be JSON.
    void add(const Row& row);
    /// Says why something is missing, on stderr.
    void note(const std::string& text) const;
    /// Prints the rows as JSON if they are to be.
    void finish() const;

private:
    Options options_;
    std::vector<Row> rows_;
};

/// A benchmark's `main`: reads the options, measures, and gives the exit code, which says that it
/// measured, not that a target was met. An exception ends it with its text.
int run_benchmark(int argument_count, char** arguments, const std::string& question,
                  const std::function<void(Report&, const Options&)>& measure);

}  // namespace sojourn::bench
