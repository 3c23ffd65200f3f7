#include <unistd.h>

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include "tests/crash/raw_database.hpp"
#include "tests/crash/stored_process.hpp"

using namespace sojourn::tests;
namespace fs = std::filesystem;

namespace {

std::vector<Arguments> joined(std::initializer_list<std::vector<Arguments>> groups) {
    std::vector<Arguments> all;
    for (const auto& group : groups)
        all.insert(all.end(), group.begin(), group.end());
    return all;
}

std::vector<Arguments> all_verbs(const StoredProcess& process) {
    return joined({process.reading_verbs(), process.runner_verbs(), process.writing_verbs(),
                   process.removal(), process.other_verbs()});
}

void write_text(const fs::path& path, const std::string& text) {
    std::ofstream(path, std::ios::binary) << text;
}

void put_text(const fs::path& path) {
    write_text(path, std::string(40'000, 'x'));
}

void put_nothing_in(const fs::path& path) {
    write_text(path, "");
}

void put_folder(const fs::path& path) {
    fs::create_directory(path);
    write_text(path / "notes.txt", "not for you\n");
}

void change_catalogue_format(const StoredProcess& process, std::int32_t step) {
    constexpr std::size_t kBehindMagic = 8;
    change_number(process.store() / "catalogue", "catalogue", kBehindMagic, step);
}

void change_family_format(const StoredProcess& process, std::int32_t step) {
    change_number(process.family(), "family", 0, step);
}

void expect_all_refused(const StoredProcess& process, const std::vector<Arguments>& verbs,
                        const Arguments& parts) {
    const auto before = process.content();
    for (const Arguments& verb : verbs)
        process.expect_refused(verb, parts);
    REQUIRE(process.content() == before);
}

/// What a family that cannot be used leaves usable.
void expect_others_go_on(const StoredProcess& process) {
    for (const Arguments& verb : process.other_verbs())
        process.expect_works(verb);
    process.expect_works({"resume", "copy"});
    process.expect_works({"rm", "other"});
    process.expect_works({"store", "init"});
}

/// `job` is damaged and `copy` is not: one tells of both, and says which is which.
void expect_listed_beside(const StoredProcess& process) {
    const VmResult listed = process.perform({"ps", "--json"});
    REQUIRE(listed.exit_code == 125);
    REQUIRE(listed.err.find("damaged: job;") != std::string::npos);
    const auto rows = nlohmann::json::parse(listed.out)["processes"];
    REQUIRE(rows.size() == 2);
    REQUIRE(rows[0]["name"] == "job");
    REQUIRE(rows[0]["state"] == "damaged");
    REQUIRE(rows[1]["name"] == "copy");
    REQUIRE(rows[1]["state"] == "exited");
}

struct Replacement {
    fs::path path;
    std::function<void(const fs::path&)> put;  ///< nothing: it is missing
    std::string said;
};

}  // namespace

TEST_CASE("on media that cannot be written a store is read, and nothing else", "[crash][media]") {
    const auto program = guest("steps");
    if (!program) return;
    const StoredProcess process(*program);
    {
        const ReadOnlyMount mount(process.store());
        if (!mount.is_there()) return;
        const auto before = process.content();

        for (const Arguments& verb : process.reading_verbs())
            process.expect_works(verb);
        process.expect_works({"store", "init"});
        REQUIRE(read_text(process.exported()) == read_text(process.image()));
        fs::remove(process.exported());
        for (const Arguments& verb : process.runner_verbs())
            process.expect_refused(verb, {"process 'job' is not running"});
        for (const auto& group :
             {process.writing_verbs(), process.removal(), process.other_verbs()}) {
            for (const Arguments& verb : group)
                process.expect_refused(verb, {process.store(), "media that can be written"});
        }
        REQUIRE(process.content() == before);
    }
    process.expect_goes_on();
}

TEST_CASE("what is no store, or not of this build, is refused by every verb and left alone",
          "[crash][media]") {
    const auto program = guest("steps");
    if (!program) return;
    const StoredProcess process(*program);
    const fs::path root = process.store();
    const fs::path catalogue = root / "catalogue";
    const std::string remedy = "vm store repair --into";
    const auto put_newer = [](const fs::path& path) { write_text(path, "sojourn store 2\n"); };
    const std::vector<Replacement> replacements = {
        {root, put_folder, "name an empty or a new directory"},
        {root, put_text, "is not a directory"},
        {root / "format", nullptr, "put it back"},
        {root / "format", put_text, "restore the file"},
        {root / "format", put_newer, "use the release that made it"},
        {catalogue, nullptr, remedy},
        {catalogue, put_text, remedy},
        {catalogue, put_folder, remedy},
        {catalogue / "data.mdb", nullptr, remedy},
        {catalogue / "data.mdb", put_text, remedy},
        {catalogue / "data.mdb", put_nothing_in, remedy},
        {catalogue / "data.mdb", make_other_database, "another program's"},
    };
    auto verbs = all_verbs(process);
    verbs.push_back({"store", "init"});

    for (const Replacement& replacement : replacements) {
        INFO("instead of " << replacement.path << ": " << replacement.said);
        const Obstacle obstacle(replacement.path, process.aside(), replacement.put);
        expect_all_refused(process, verbs, {root, replacement.said});
    }
    {
        change_catalogue_format(process, 1);
        expect_all_refused(process, verbs, {catalogue, "use the release that made it"});
        change_catalogue_format(process, -1);
    }

    process.expect_goes_on();
}

TEST_CASE("a family that cannot be used keeps nobody else from working", "[crash][media]") {
    const auto program = guest("steps");
    if (!program) return;
    const StoredProcess process(*program);
    const fs::path family = process.family();
    const std::string remedy = "vm store repair --into";
    const std::vector<Replacement> replacements = {
        {family, nullptr, remedy},
        {family, put_text, remedy},
        {family, put_folder, remedy},
        {family / "data.mdb", put_text, remedy},
        {family / "data.mdb", put_nothing_in, remedy},
        {family / "data.mdb", make_other_database, "another program's"},
    };
    const auto verbs =
        joined({process.reading_verbs(), process.runner_verbs(), process.writing_verbs()});

    for (const Replacement& replacement : replacements) {
        INFO("instead of " << replacement.path << ": " << replacement.said);
        const Obstacle obstacle(replacement.path, process.aside(), replacement.put);
        expect_all_refused(process, verbs, {family, replacement.said});
        expect_others_go_on(process);
        expect_listed_beside(process);
        process.expect_works({"rm", "copy"});
    }
    {
        change_family_format(process, 1);
        expect_all_refused(process, verbs, {family, "use the release that made it"});
        expect_others_go_on(process);
        change_family_format(process, -1);
    }

    process.expect_goes_on();
}

TEST_CASE("a process whose family cannot be read is removed like any other", "[crash][media]") {
    const auto program = guest("steps");
    if (!program) return;
    const StoredProcess process(*program);
    process.expect_works({"import", process.image(), "--name", "copy"});
    write_text(process.family() / "data.mdb", "damaged");

    process.expect_works({"rm", "job"});

    REQUIRE_FALSE(fs::exists(process.family()));
    process.expect_works({"ps"});
    process.expect_works({"store", "verify"});
    process.expect_works({"resume", "copy"});
}

TEST_CASE("an older checkpoint that does not resume leaves the process where it stood",
          "[crash][media]") {
    const auto program = guest("steps");
    if (!program) return;
    const StoredProcess process(*program);
    const std::string log = process.perform({"log", "job"}).out;
    damage_value(process.family(), "attachments", std::string("\0\0\0\0\0\0\0\1", 8));

    for (int attempt = 0; attempt < 2; ++attempt)
        process.expect_refused({"resume", "job@1"}, {"the state of checkpoint 1"});

    REQUIRE(process.perform({"log", "job"}).out == log);
    process.expect_goes_on();
}

TEST_CASE("a store serves nobody but its owner, and is none the worse for it", "[crash][media]") {
    const auto program = guest("steps");
    if (!program) return;
    const StoredProcess process(*program);
    if (!can_be_other_user(process.options().folder)) return;
    const Arguments parts = {process.store(), "run as that user"};
    const auto verbs = all_verbs(process);

    const auto before = process.content();
    for (const Arguments& verb : verbs) {
        INFO("root's store, other user: vm " << verb.front());
        const VmResult result = vm_of_other_user(verb, process.options());
        // An image is looked at first, and this one is readable by everybody.
        StoredProcess::expect_refusal(result, parts);
    }
    REQUIRE(process.content() == before);
    process.give_away();
    expect_all_refused(process, verbs, parts);

    process.expect_undisturbed_end(vm_of_other_user({"resume", "job"}, process.options()));
}

TEST_CASE("a store that its owner cannot write is refused until he can", "[crash][media]") {
    const auto program = guest("steps");
    if (!program) return;
    const StoredProcess process(*program);
    const bool is_root = ::geteuid() == 0;
    if (is_root && !can_be_other_user(process.options().folder)) return;
    if (is_root) process.give_away();
    const auto perform = [&](const Arguments& verb) {
        return is_root ? vm_of_other_user(verb, process.options()) : process.perform(verb);
    };

    const auto before = process.content();
    process.allow_writing(false);
    for (const Arguments& verb : all_verbs(process)) {
        INFO("vm " << verb.front());
        StoredProcess::expect_refusal(perform(verb), {process.store(), "user who owns it"});
    }
    REQUIRE(process.content() == before);
    process.allow_writing(true);

    process.expect_undisturbed_end(perform({"resume", "job"}));
}

TEST_CASE("an image that is not whole, or of another build, is refused", "[crash][media]") {
    const auto program = guest("steps");
    if (!program) return;
    const StoredProcess process(*program);
    const std::string whole = read_text(process.image());
    const fs::path copy = process.exported();
    const auto before = process.content();
    const auto expect_refused = [&](const std::string& bytes, const std::string& said) {
        write_text(copy, bytes);
        StoredProcess::expect_refusal(process.perform({"import", copy, "--name", "copy"}),
                                      {copy, said});
    };

    for (const std::size_t length :
         {std::size_t{0}, std::size_t{11}, std::size_t{100}, whole.size() / 2, whole.size() - 1}) {
        INFO(length << " of " << whole.size() << " bytes");
        expect_refused(whole.substr(0, length), "export it again");
    }
    for (std::size_t at = 12; at < whole.size(); at += whole.size() / 50) {
        INFO("byte " << at << " of " << whole.size());
        std::string damaged = whole;
        damaged[at] ^= 0x10;
        expect_refused(damaged, "export it again");
    }
    std::string newer = whole;
    ++newer[8];
    expect_refused(newer, "import it with the release that made it");
    expect_refused(whole + "!", "export it again");
    expect_refused(read_text(*program), "not an image");
    REQUIRE(process.content() == before);

    process.expect_works({"import", process.image(), "--name", "copy"});
    process.expect_undisturbed_end(process.perform({"resume", "copy"}));
    process.expect_goes_on();
}
