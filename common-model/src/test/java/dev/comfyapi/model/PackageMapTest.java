package dev.comfyapi.model;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;

import com.tngtech.archunit.core.importer.ImportOption;
import com.tngtech.archunit.junit.AnalyzeClasses;
import com.tngtech.archunit.junit.ArchTest;
import com.tngtech.archunit.lang.ArchRule;

@AnalyzeClasses(
        packages = "dev.comfyapi.model",
        importOptions = ImportOption.DoNotIncludeTests.class)
class PackageMapTest {

    @ArchTest
    static final ArchRule the_model_of_jobs_knows_only_the_jdk =
            classes()
                    .that()
                    .resideInAPackage("..model.job..")
                    .should()
                    .onlyDependOnClassesThat()
                    .resideInAnyPackage("..model.job..", "java..", "org.jspecify..");

    @ArchTest
    static final ArchRule references_know_only_the_jdk =
            classes()
                    .that()
                    .resideInAPackage("..model.asset..")
                    .should()
                    .onlyDependOnClassesThat()
                    .resideInAnyPackage("..model.asset..", "java..", "org.jspecify..");

    @ArchTest
    static final ArchRule messages_know_only_jobs =
            classes()
                    .that()
                    .resideInAPackage("..model.message..")
                    .should()
                    .onlyDependOnClassesThat()
                    .resideInAnyPackage(
                            "..model.message..", "..model.job..", "java..", "org.jspecify..");

    @ArchTest
    static final ArchRule graphs_know_jobs_and_json =
            classes()
                    .that()
                    .resideInAPackage("..model.workflow..")
                    .should()
                    .onlyDependOnClassesThat()
                    .resideInAnyPackage(
                            "..model.workflow..",
                            "..model.job..",
                            "java..",
                            "org.jspecify..",
                            "tools.jackson..");

    @ArchTest
    static final ArchRule generation_knows_graphs_and_json =
            classes()
                    .that()
                    .resideInAPackage("..model.generation..")
                    .should()
                    .onlyDependOnClassesThat()
                    .resideInAnyPackage(
                            "..model.generation..",
                            "..model.workflow..",
                            "java..",
                            "org.jspecify..",
                            "tools.jackson..");
}
