package dev.comfyapi.api;

import static com.tngtech.archunit.base.DescribedPredicate.not;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAPackage;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAnyPackage;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;

import com.tngtech.archunit.core.domain.JavaModifier;
import com.tngtech.archunit.core.importer.ImportOption;
import com.tngtech.archunit.junit.AnalyzeClasses;
import com.tngtech.archunit.junit.ArchTest;
import com.tngtech.archunit.lang.ArchRule;

import java.util.stream.Stream;

/// Which of our packages each package may use. What is not ours is nobody's business here.
@AnalyzeClasses(packages = "dev.comfyapi.api", importOptions = ImportOption.DoNotIncludeTests.class)
class ArchitectureTest {

    @ArchTest static final ArchRule http_uses_nothing_of_ours = mayUse("http");

    @ArchTest
    static final ArchRule artifact_uses_the_store_and_its_key =
            mayUse("artifact", "api.http", "artifact", "db.secret");

    @ArchTest
    static final ArchRule account_says_who_somebody_is =
            mayUse(
                    "account",
                    "api.http",
                    "api.audit",
                    "api.job",
                    "api.limit",
                    "artifact",
                    "db.account",
                    "db.audit",
                    "db.secret",
                    "db.job",
                    "model.job");

    @ArchTest
    static final ArchRule audit_is_written_by_everybody = mayUse("audit", "api.http", "db.audit");

    @ArchTest
    static final ArchRule usage_is_read_from_jobs =
            mayUse("usage", "api.http", "api.limit", "db.usage");

    @ArchTest
    static final ArchRule limits_know_no_feature = mayUse("limit", "api.http", "db.limit");

    @ArchTest
    static final ArchRule asset_uses_its_tables_and_the_store =
            mayUse(
                    "asset",
                    "api.http",
                    "api.artifact",
                    "api.housekeeping",
                    "api.job",
                    "api.limit",
                    "api.outbound",
                    "artifact",
                    "db.asset",
                    "model.asset",
                    "model.job");

    @ArchTest
    static final ArchRule catalogue_uses_what_workers_reported =
            mayUse(
                    "catalogue",
                    "api.http",
                    "db.catalogue",
                    "db.operator",
                    "model.job",
                    "model.workflow");

    @ArchTest
    static final ArchRule queue_tells_how_things_stand =
            mayUse("queue", "db.job", "db.queue", "model.job");

    @ArchTest
    static final ArchRule operators_see_and_wish =
            mayUse(
                    "operator",
                    "api.audit",
                    "api.http",
                    "api.queue",
                    "db.operator",
                    "db.tenant",
                    "model.job");

    @ArchTest
    static final ArchRule job_uses_its_stores_and_tells_workers =
            mayUse(
                    "job",
                    "api.http",
                    "api.artifact",
                    "api.queue",
                    "artifact",
                    "db.job",
                    "db.secret",
                    "messaging",
                    "model.job",
                    "model.message");

    @ArchTest
    static final ArchRule batch_looks_after_jobs_together =
            mayUse(
                    "batch",
                    "api.dispatch",
                    "api.housekeeping",
                    "api.http",
                    "api.job",
                    "db.job",
                    "messaging",
                    "model.job",
                    "model.message");

    @ArchTest
    static final ArchRule stream_brings_news_to_jobs =
            mayUse(
                    "stream",
                    "api.http",
                    "api.job",
                    "db.job",
                    "messaging",
                    "model.job",
                    "model.message");

    @ArchTest
    static final ArchRule submit_makes_jobs_of_bodies =
            mayUse(
                    "submit",
                    "api.http",
                    "api.asset",
                    "api.batch",
                    "api.catalogue",
                    "api.job",
                    "api.limit",
                    "api.usage",
                    "api.webhook",
                    "db.job",
                    "db.tenant",
                    "db.webhook",
                    "messaging",
                    "model.asset",
                    "model.generation",
                    "model.job",
                    "model.message",
                    "model.workflow");

    @ArchTest static final ArchRule outbound_uses_nothing_of_ours = mayUse("outbound");

    @ArchTest static final ArchRule secrets_use_nothing_of_ours = mayUse("secret");

    @ArchTest
    static final ArchRule webhooks_tell_of_jobs =
            mayUse(
                    "webhook",
                    "api.audit",
                    "api.batch",
                    "api.http",
                    "api.job",
                    "api.outbound",
                    "api.secret",
                    "db.webhook",
                    "model.job",
                    "model.message");

    @ArchTest
    static final ArchRule dead_letters_are_jobs_that_are_submitted_anew =
            mayUse("deadletter", "api.http", "api.job", "api.submit", "db.job", "model.job");

    @ArchTest
    static final ArchRule operations_look_at_everything_the_service_needs =
            mayUse(
                    "operations",
                    "api.http",
                    "api.operator",
                    "api.stream",
                    "artifact",
                    "db.catalogue",
                    "messaging");

    @ArchTest
    static final ArchRule dispatch_knows_no_http =
            mayUse(
                            "dispatch",
                            "api.job",
                            "db.queue",
                            "db.secret",
                            "messaging",
                            "model.job",
                            "model.message")
                    .allowEmptyShould(true);

    @ArchTest
    static final ArchRule housekeeping_uses_what_it_keeps_in_order =
            mayUse(
                    "housekeeping",
                    "api.dispatch",
                    "artifact",
                    "db.invariant",
                    "db.job",
                    "db.worker",
                    "model.job");

    @ArchTest
    static final ArchRule features_form_no_circle =
            slices().matching("dev.comfyapi.api.(*)..").should().beFreeOfCycles();

    @ArchTest
    static final ArchRule controllers_are_nobodys_collaborators =
            classes()
                    .that()
                    .haveSimpleNameEndingWith("Controller")
                    .should()
                    .notHaveModifier(JavaModifier.PUBLIC);

    private static ArchRule mayUse(String feature, String... ours) {
        var own = "dev.comfyapi.api." + feature;
        var allowed =
                Stream.concat(Stream.of(own), Stream.of(ours).map(p -> "dev.comfyapi." + p))
                        .toArray(String[]::new);
        return classes()
                .that()
                .resideInAPackage(own)
                .should()
                .onlyDependOnClassesThat(
                        resideInAnyPackage(allowed).or(not(resideInAPackage("dev.comfyapi.."))));
    }
}
