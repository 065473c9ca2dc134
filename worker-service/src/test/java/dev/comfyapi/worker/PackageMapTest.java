package dev.comfyapi.worker;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;

import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.importer.ImportOption;
import com.tngtech.archunit.junit.AnalyzeClasses;
import com.tngtech.archunit.junit.ArchTest;
import com.tngtech.archunit.lang.ArchRule;

@AnalyzeClasses(
        packages = "dev.comfyapi.worker",
        importOptions = ImportOption.DoNotIncludeTests.class)
class PackageMapTest {

    @ArchTest
    static final ArchRule of_our_own_code_a_worker_knows_the_stores_of_its_duties_only =
            classes()
                    .should()
                    .onlyDependOnClassesThat(
                            JavaClass.Predicates.resideOutsideOfPackage("dev.comfyapi..")
                                    .or(
                                            JavaClass.Predicates.resideInAnyPackage(
                                                    "dev.comfyapi.worker..",
                                                    "dev.comfyapi.db.asset",
                                                    "dev.comfyapi.db.lease",
                                                    "dev.comfyapi.db.secret",
                                                    "dev.comfyapi.db.worker",
                                                    "dev.comfyapi.artifact",
                                                    "dev.comfyapi.messaging",
                                                    "dev.comfyapi.model..")));

    @ArchTest
    static final ArchRule comfyui_is_spoken_to_in_one_package_only =
            classes()
                    .that()
                    .resideInAPackage("..worker.comfyui")
                    .should()
                    .onlyDependOnClassesThat(
                            JavaClass.Predicates.resideOutsideOfPackage("dev.comfyapi..")
                                    .or(
                                            JavaClass.Predicates.resideInAnyPackage(
                                                    "dev.comfyapi.worker.comfyui",
                                                    "dev.comfyapi.model.workflow",
                                                    "dev.comfyapi.db.worker")));

    @ArchTest
    static final ArchRule nobody_else_has_an_http_client =
            noClasses()
                    .that()
                    .resideOutsideOfPackage("..worker.comfyui")
                    .should()
                    .dependOnClassesThat()
                    .resideInAPackage("java.net.http..");

    @ArchTest
    static final ArchRule an_attempt_knows_nothing_of_lanes =
            classes()
                    .that()
                    .resideInAnyPackage("..worker.attempt", "..worker.artifact")
                    .should()
                    .onlyDependOnClassesThat(
                            JavaClass.Predicates.resideOutsideOfPackage("dev.comfyapi.worker..")
                                    .or(
                                            JavaClass.Predicates.resideInAnyPackage(
                                                    "dev.comfyapi.worker.attempt",
                                                    "dev.comfyapi.worker.artifact",
                                                    "dev.comfyapi.worker.comfyui")));
}
