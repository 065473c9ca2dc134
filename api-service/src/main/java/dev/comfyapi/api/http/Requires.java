package dev.comfyapi.api.http;

import java.lang.annotation.Documented;
import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;

/// The scope that a caller needs for this operation, and which of the tenant's budgets a call takes
/// from.
///
/// Each method of a controller has this or [Open]; it is read by the check itself, by the OpenAPI
/// document and by the test that tries every operation as everybody.
@Documented
@Target(ElementType.METHOD)
@Retention(RetentionPolicy.RUNTIME)
public @interface Requires {
    Scope value();

    Budget budget() default Budget.BY_METHOD;
}
