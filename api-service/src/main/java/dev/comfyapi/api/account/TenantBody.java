package dev.comfyapi.api.account;

import io.swagger.v3.oas.annotations.media.Schema;

import org.jspecify.annotations.Nullable;

/// The body that makes or changes a tenant, as it is described; it is read by [TenantController].
@Schema(name = "TenantRequest")
record TenantBody(
        @Schema(description = "What people call it; no two have the same", maxLength = 100)
                String name,
        @Schema(description = "Whose limits it has, such as `free`, `pro`, `internal`")
                @Nullable String tier,
        @Schema(
                        description =
                                "Limits for this tenant alone, instead of its tier's; all of them together")
                TenantView.@Nullable LimitsView limits,
        @Schema(description = "When changing one: whether it may start nothing new")
                @Nullable Boolean suspended) {}
