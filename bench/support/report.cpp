#include "bench/support/report.hpp"

#include <algorithm>
#include <cmath>
#include <csignal>
#include <cstdio>
#include <exception>
#include <fstream>
#include <sys/utsname.h>
#include <thread>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace sojourn::bench {

namespace {

using Json = nlohmann::ordered_json;

std::string load_averages() {
    std::ifstream file("/proc/loadavg");
    std::string one;
    std::string five;
    file >> one >> five;
    return one + " " + five;
}

std::string machine_conditions() {
    utsname host{};
    ::uname(&host);
    return fmt::format("Linux {} {}, {} cores, load {}", host.release, host.machine,
                       std::thread::hardware_concurrency(), load_averages());
}

bool is_met(const Row& row) {
    if (row.target->kind == Target::Kind::at_most) return row.figure.value <= row.target->value;
    return row.figure.value >= row.target->value;
}

/// Three digits or more.
std::string number_for_people(double number) {
    const double size = std::fabs(number);
    const int decimals = size >= 100 ? 0 : size >= 10 ? 1 : size >= 0.1 ? 2 : 3;
    return fmt::format("{:.{}f}", number, size == 0 ? 0 : decimals);
}

std::string target_for_people(const Row& row) {
    if (!row.target) return "";
    const char* relation = row.target->kind == Target::Kind::at_most ? "<=" : ">=";
    return fmt::format("{} {} {}", relation, number_for_people(row.target->value),
                       is_met(row) ? "met" : "MISSED");
}

std::string peer_for_people(const Peer& peer) {
    if (peer.name.empty()) return "";
    return fmt::format("{} {}", peer.value ? number_for_people(*peer.value) : "-", peer.name);
}

void print_line(const std::string& name, const std::string& value, const std::string& p99,
                const std::string& n, const std::string& unit, const std::string& target,
                const std::string& peer) {
    std::string line = fmt::format("{:<62} {:>9} {:>9} {:>5}  {:<13} {:<16} {}", name, value, p99,
                                   n, unit, target, peer);
    line.erase(line.find_last_not_of(' ') + 1);
    fmt::print("{}\n", line);
    std::fflush(stdout);
}

void print_row(const Row& row) {
    print_line(row.name, number_for_people(row.figure.value), number_for_people(row.figure.p99),
               std::to_string(row.figure.n), row.unit, target_for_people(row),
               peer_for_people(row.peer));
}

Json json_of(const Row& row) {
    Json object{{"name", row.name},      {"unit", row.unit},  {"value", row.figure.value},
                {"p99", row.figure.p99}, {"n", row.figure.n}, {"peer", nullptr},
                {"peer_value", nullptr}, {"target", nullptr}, {"met", nullptr}};
    if (!row.peer.name.empty()) object["peer"] = row.peer.name;
    if (row.peer.value) object["peer_value"] = *row.peer.value;
    if (row.target) {
        object["target"] = row.target->value;
        object["met"] = is_met(row);
    }
    return object;
}

}  // namespace

Figure figure_of(std::vector<double> samples, Better better) {
    std::sort(samples.begin(), samples.end());
    if (better == Better::higher) std::reverse(samples.begin(), samples.end());
    const std::size_t rank = (samples.size() * 99 + 99) / 100;
    return {median_of(samples), samples.at(rank - 1), samples.size()};
}

double median_of(const std::vector<double>& samples) {
    std::vector<double> sorted = samples;
    std::sort(sorted.begin(), sorted.end());
    const std::size_t middle = sorted.size() / 2;
    if (sorted.size() % 2 == 1) return sorted.at(middle);
    return (sorted.at(middle - 1) + sorted.at(middle)) / 2;
}

Report::Report(const Options& options) : options_(options) {
    if (options_.json) {
        note(machine_conditions());
        return;
    }
    fmt::print("{}\n\n", machine_conditions());
    print_line("", "median", "p99", "n", "unit", "target", "measured beside it");
}

void Report::add(const Row& row) {
    rows_.push_back(row);
    if (!options_.json) print_row(row);
}

void Report::note(const std::string& text) const {
    fmt::print(stderr, "{}\n", text);
}

void Report::finish() const {
    if (!options_.json) return fmt::print("\nafterwards: load {}\n", load_averages());
    Json rows = Json::array();
    for (const Row& row : rows_)
        rows.push_back(json_of(row));
    fmt::print("{}\n", rows.dump(2));
}

int run_benchmark(int argument_count, char** arguments, const std::string& question,
                  const std::function<void(Report&, const Options&)>& measure) {
    Options options;
    CLI::App app(question);
    app.add_flag("--json", options.json, "Print an array of rows; the rest goes to stderr");
    app.add_flag("--quick", options.quick, "Fewer repetitions, and not what takes long");
    CLI11_PARSE(app, argument_count, arguments);
    std::signal(SIGPIPE, SIG_IGN);
    try {
        Report report(options);
        measure(report, options);
        report.finish();
        return 0;
    } catch (const std::exception& error) {
        fmt::print(stderr, "bench: {}\n", error.what());
        return 1;
    }
}

}  // namespace sojourn::bench
