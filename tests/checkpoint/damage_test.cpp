#include <algorithm>
#include <cstdlib>
#include <iostream>
#include <random>

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include "tests/checkpoint/holder.hpp"

using namespace sojourn::tests;
namespace fs = std::filesystem;

namespace {

std::uint64_t number_from(const char* variable, std::uint64_t otherwise) {
    const char* text = std::getenv(variable);
    return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

/// Where LMDB's first two pages have the numbers of the last two commits.
constexpr std::size_t kCommitNumber = 144;

constexpr std::uint64_t kFlipsARepair = 3;

/// One byte of one file of a store that is not what it was.
struct Flip {
    fs::path file;  ///< within the store
    std::size_t offset = 0;
    unsigned char mask = 0;
};

/// A store with a suspended process of two checkpoints, kept aside whole, and a copy to damage.
class DamageFixture : public ProcessFixture {
public:
    explicit DamageFixture(const std::string& program) {
        REQUIRE(run({"store", "init", "--unit", "4K"}).exit_code == 0);
        const std::string all = run({"run", program}).out;
        const std::string begun = suspend_when_changed(*this, program, {});
        rest_ = all.substr(begun.size());
        fs::rename(store(), whole());
        for (const auto& entry : fs::recursive_directory_iterator(whole())) {
            const std::string name = entry.path().filename();
            // What was compiled may be there or not; it has tests of its own.
            if (entry.path().parent_path().filename() == "code") continue;
            if (name == "data.mdb" || name == "notes")
                files_.push_back(fs::relative(entry.path(), whole()));
        }
        mend();
        log_ = run({"log", "job"}).out;
        newest_ = export_of("job").out;
        older_ = export_of("job@1").out;
        REQUIRE(files_.size() == 3);
        REQUIRE(newest_ != older_);
    }

    void mend() const {
        fs::remove_all(store());
        fs::copy(whole(), store(), fs::copy_options::recursive);
    }

    /// Every file as often as every other, and any byte of it, but for what nothing can be compared
    /// with (docs/formats/store.md).
    [[nodiscard]] Flip any_flip(std::mt19937_64& random) const {
        Flip flip;
        do {
            flip.file = files_[random() % files_.size()];
            flip.offset = random() % fs::file_size(whole() / flip.file);
            const bool is_one_bit = random() % 2 == 0;
            flip.mask =
                static_cast<unsigned char>(is_one_bit ? 1U << (random() % 8) : 1 + random() % 255);
        } while (moves_commit_number_by_two(flip));
        return flip;
    }

    void damage(const Flip& flip) const {
        std::fstream file(fs::path(store()) / flip.file,
                          std::ios::in | std::ios::out | std::ios::binary);
        file.seekg(static_cast<std::streamoff>(flip.offset));
        const int byte = file.get() ^ flip.mask;
        file.seekp(static_cast<std::streamoff>(flip.offset));
        file.put(static_cast<char>(byte));
    }

    [[nodiscard]] VmResult export_of(const std::string& reference) const {
        return run({"export", reference});
    }

    /// Whether verify found it. Every verb did what it does, or said what is damaged.
    [[nodiscard]] bool expect_right_or_refused(const Flip& flip) const {
        INFO(flip.file << " at " << flip.offset << " mask " << int{flip.mask});
        const bool are_times_known = flip.file.filename() != "notes";
        const VmResult verified = run({"store", "verify"});
        const bool is_found = verified.exit_code != 0;
        if (is_found) expect_refused(verified);
        expect(run({"log", "job"}), are_times_known ? log_ : "", is_found);
        expect(export_of("job"), are_times_known ? newest_ : "", is_found);
        expect(export_of("job@1"), are_times_known ? older_ : "", is_found);
        expect(run({"resume", "job"}), rest_, is_found);
        return is_found;
    }

    /// A repair brings back what it does not name as lost, as it was, in a store without problems.
    /// How many of the two checkpoints came back.
    [[nodiscard]] int expect_brought_back(const Flip& flip) const {
        INFO(flip.file << " at " << flip.offset << " mask " << int{flip.mask});
        const std::string into = folder() / "repaired";
        fs::remove_all(into);
        const VmResult repaired = run({"store", "repair", "--json", "--into", into});
        if (repaired.exit_code != 0) {
            expect_refused(repaired);
            REQUIRE_FALSE(fs::exists(into));
            return 0;
        }
        const auto report = nlohmann::json::parse(repaired.out);
        const VmResult verified = run({"store", "verify", "--store", into});
        INFO(verified.out << report.dump());
        REQUIRE(verified.exit_code == 0);
        const bool may_differ = !report["problems"].empty();
        int back = 0;
        for (const auto& [reference, image] :
             {std::pair("job@1", &older_), std::pair("job@2", &newest_)}) {
            const bool is_lost = std::ranges::any_of(report["lost"], [&](const auto& lost) {
                return "job@" + std::to_string(lost["checkpoint"].template get<int>()) == reference;
            });
            const VmResult exported = run({"export", "--store", into, reference});
            if (is_lost || (may_differ && exported.exit_code != 0)) continue;
            REQUIRE(exported.exit_code == 0);
            if (flip.file.filename() != "notes") REQUIRE((exported.out == *image));
            ++back;
        }
        return back;
    }

private:
    /// Whether it may do so, in either of the two pages that LMDB finds the newest commit by.
    static bool moves_commit_number_by_two(const Flip& flip) {
        const bool is_low_byte =
            flip.offset == kCommitNumber || flip.offset == 4096 + kCommitNumber;
        const bool is_run_of_bits = ((flip.mask + 2U) & flip.mask) == 0;  // from the second bit up
        return flip.file.filename() == "data.mdb" && is_low_byte && is_run_of_bits;
    }

    [[nodiscard]] fs::path whole() const { return folder() / "whole"; }

    static void expect_refused(const VmResult& result) {
        INFO(result.err);
        REQUIRE(result.exit_code == 125);
        REQUIRE_FALSE(result.err.empty());
    }

    /// An empty `output` is any.
    static void expect(const VmResult& result, const std::string& output, bool may_be_refused) {
        INFO(result.err);
        if (may_be_refused && result.exit_code != 0) return expect_refused(result);
        REQUIRE(result.exit_code == 0);
        if (!output.empty()) REQUIRE((result.out == output));
    }

    std::vector<fs::path> files_;
    std::string rest_;
    std::string log_;
    std::string newest_;
    std::string older_;
};

}  // namespace

TEST_CASE("a flipped bit anywhere in a store is found, or does no harm", "[flips]") {
    const auto program = guest("holder");
    if (!program) return;
    const std::uint64_t flips = number_from("SOJOURN_FLIPS", 120);
    const std::uint64_t seed = number_from("SOJOURN_SEED", std::random_device{}());
    std::cout << "SOJOURN_SEED=" << seed << " SOJOURN_FLIPS=" << flips << " repeats this\n";
    std::mt19937_64 random(seed);
    const DamageFixture fixture(*program);

    std::uint64_t found = 0;
    std::uint64_t repairs = 0;
    std::uint64_t back = 0;
    for (std::uint64_t count = 0; count < flips; ++count) {
        const Flip flip = fixture.any_flip(random);
        fixture.mend();
        fixture.damage(flip);
        if (fixture.expect_right_or_refused(flip)) ++found;
        if (count % kFlipsARepair != 0) continue;
        fixture.mend();
        fixture.damage(flip);
        ++repairs;
        back += static_cast<std::uint64_t>(fixture.expect_brought_back(flip));
    }

    std::cout << found << " of " << flips << " flips were found, the others did no harm\n";
    std::cout << back << " of " << 2 * repairs << " checkpoints were brought back\n";
    REQUIRE(back * 10 > repairs * 2 * 6);
    // Most bytes lie in free pages, or in what the page that they are in does not use.
    REQUIRE(found * 20 > flips);
}
