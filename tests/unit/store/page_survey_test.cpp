#include "store/internal/page_survey.hpp"

#include <fcntl.h>
#include <random>
#include <unistd.h>

#include <catch2/catch.hpp>

#include "store/internal/database_page.hpp"
#include "store/internal/page_set.hpp"
#include "tests/contract/store_fixture.hpp"

using namespace sojourn;
using namespace sojourn::store;

namespace {

/// The database of a family of which checkpoints were removed, as bytes to change.
class Database {
public:
    Database() {
        SystemRandom random;
        const auto store = *Store::open(directory_.name() + "/s", test_options(), random);
        const ProcessRecord process = *store->create_process({.name = "guest"});
        const auto family = *store->family(process.family);
        for (std::uint8_t step = 0; step < 6; ++step) {
            const auto token = *family->acquire(process.id, std::nullopt);
            Publication publication;
            publication.info.id = *family->reserve(token);
            const std::vector units{encoded(0, step, true), encoded(step, step, true)};
            publication.units = units;
            publication.attachment = as_bytes("state");
            REQUIRE(family->publish(token, publication).ok());
            if (step > 2) REQUIRE(family->remove_checkpoint(Version{step}).ok());
        }
        file_ = UniqueFd(::open(
            (directory_.path() / "s" / "families" / process.family.hex() / "data.mdb").c_str(),
            O_RDWR));
        const DatabaseFile file = database();
        for (std::uint64_t number = 1;; ++number) {
            const auto commit = file.commit(number).value();
            if (commit) commit_ = *commit;
            if (!commit && commit_.number != 0) break;
        }
    }

    [[nodiscard]] DatabaseFile database() const { return {file_.get(), kPageBytes}; }
    [[nodiscard]] const CommitRecord& commit() const { return commit_; }

    [[nodiscard]] PageSurvey survey() const { return survey_pages(database(), commit_).value(); }

    /// What is found first.
    [[nodiscard]] std::string problem() const {
        const PageSurvey found = survey();
        return found.problems.empty() ? "nothing" : found.problems.front();
    }

    [[nodiscard]] std::uint64_t number_at(std::size_t offset) const {
        std::uint64_t number = 0;
        REQUIRE(::pread(file_.get(), &number, sizeof number, static_cast<off_t>(offset)) == 8);
        return number;
    }

    void set_number_at(std::size_t offset, std::uint64_t number) const {
        REQUIRE(::pwrite(file_.get(), &number, sizeof number, static_cast<off_t>(offset)) == 8);
    }

    void turn_byte(std::size_t offset, std::uint8_t mask) const {
        std::uint8_t byte = 0;
        REQUIRE(::pread(file_.get(), &byte, 1, static_cast<off_t>(offset)) == 1);
        byte ^= mask;
        REQUIRE(::pwrite(file_.get(), &byte, 1, static_cast<off_t>(offset)) == 1);
    }

    /// Where the longest list of free pages begins: how many, then their numbers.
    [[nodiscard]] std::size_t list() const {
        ByteVector page(kPageBytes);
        REQUIRE(commit_.free_pages.depth == 1);
        REQUIRE(database().read(commit_.free_pages.root, page).ok());
        const auto nodes = parse_page(page, commit_.free_pages.root, PageKind::leaf).value();
        const auto longest = std::ranges::max_element(
            nodes, {}, [](const PageNode& node) { return node.value_bytes; });
        REQUIRE(longest->value_bytes >= 3 * sizeof(std::uint64_t));
        return plain(commit_.free_pages.root) * kPageBytes +
               static_cast<std::size_t>(longest->in_entry.data() - page.data());
    }

    static constexpr std::size_t kPageBytes = 4096;

private:
    TemporaryDirectory directory_;
    UniqueFd file_;
    CommitRecord commit_;
};

}  // namespace

TEST_CASE("every page of a whole database is free or in use, and told apart", "[store]") {
    const Database database;

    const PageSurvey survey = database.survey();

    REQUIRE(survey.problems.empty());
    REQUIRE(survey.free_pages > 0);
    std::uint64_t used = kCommitPages + survey.free_pages;
    for (const PageSurvey::Table& table : survey.tables)
        used += table.pages();
    for (const TableRecord& table : {database.commit().tables, database.commit().free_pages})
        used += table.branch_pages + table.leaf_pages + table.overflow_pages;
    REQUIRE(used == survey.pages);
}

TEST_CASE("a damaged list of free pages is found, and what is wrong with it is said", "[store]") {
    const Database database;
    const std::size_t list = database.list();
    const std::uint64_t count = database.number_at(list);
    const std::uint64_t first = database.number_at(list + 8);
    REQUIRE(database.problem() == "nothing");

    SECTION("a page that is in use") {
        database.set_number_at(list + 8, plain(database.commit().tables.root));
        REQUIRE_THAT(database.problem(),
                     Catch::Contains("both free and in use") || Catch::Contains("not in order"));
    }
    SECTION("a page twice") {
        database.set_number_at(list + 16, first);
        REQUIRE_THAT(database.problem(), Catch::Contains("not in order"));
    }
    SECTION("a page that is not there") {
        database.set_number_at(list + 8, first | std::uint64_t{1} << 40U);
        REQUIRE_THAT(database.problem(), Catch::Contains("behind the last page"));
    }
    SECTION("a page too few") {
        database.set_number_at(list, count - 1);
        REQUIRE_THAT(database.problem(), Catch::Contains("neither free nor in use"));
    }
    SECTION("more pages than there is room for") {
        database.set_number_at(list, UINT64_MAX - 1);
        REQUIRE_THAT(database.problem(), Catch::Contains("impossible form"));
    }
}

TEST_CASE("whatever byte of a database's trees has changed, a survey comes to an end", "[store]") {
    const Database database;
    std::mt19937_64 random(7);
    const std::uint64_t size = database.survey().pages * Database::kPageBytes;
    std::size_t found = 0;
    constexpr std::size_t kFlips = 3000;

    for (std::size_t flip = 0; flip < kFlips; ++flip) {
        const std::size_t offset = 2 * Database::kPageBytes + random() % (size - 8192);
        const auto mask = static_cast<std::uint8_t>(1 + random() % 255);
        database.turn_byte(offset, mask);
        const auto survey = survey_pages(database.database(), database.commit());
        REQUIRE(survey.ok());
        if (!survey->problems.empty()) ++found;
        REQUIRE(survey->problems.size() <= 51);
        database.turn_byte(offset, mask);
    }

    REQUIRE(found > 0);
    REQUIRE(database.problem() == "nothing");
}

TEST_CASE("a record of a commit that claims anything is surveyed without harm", "[store]") {
    const Database database;
    std::mt19937_64 random(8);

    for (int flip = 0; flip < 2000; ++flip) {
        CommitRecord commit = database.commit();
        auto bytes = std::as_writable_bytes(std::span(&commit, 1));
        bytes[random() % bytes.size()] ^= static_cast<std::byte>(1 + random() % 255);
        const auto survey = survey_pages(database.database(), commit);
        REQUIRE(survey.ok());
    }
}

TEST_CASE("gaps between pages are found across blocks, however far apart they are", "[store]") {
    PageSet one;
    PageSet other;
    REQUIRE(one.insert({PageNumber{0}, 3}));
    REQUIRE(other.insert({PageNumber{4}, 1}));
    REQUIRE(one.insert({PageNumber{std::uint64_t{1} << 40U}, 1}));
    REQUIRE_FALSE(other.insert({PageNumber{3}, 2}));

    std::vector<std::pair<std::uint64_t, std::uint64_t>> gaps;
    PageSet::for_each_gap(one, other, PageNumber{(std::uint64_t{1} << 40U) + 2},
                          [&](PageRun run) { gaps.emplace_back(plain(run.first), run.count); });

    const std::uint64_t far = std::uint64_t{1} << 40U;
    REQUIRE(gaps ==
            std::vector<std::pair<std::uint64_t, std::uint64_t>>{{5, far - 5}, {far + 1, 1}});
}
