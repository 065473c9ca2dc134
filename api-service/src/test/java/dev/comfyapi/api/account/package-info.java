/// Tests of keys, tenants and who may do what.
@NullMarked
package dev.comfyapi.api.account;

import org.jspecify.annotations.NullMarked;
