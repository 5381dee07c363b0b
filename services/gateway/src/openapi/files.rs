//! The routes of files.

use serde_json::{Map, Value, json};

use super::{path_parameters, reference, refusals};
use crate::http::query;
use crate::rules::problem::Why;

/// Path, method and operation.
pub(super) fn operations() -> [(&'static str, &'static str, Value); 3] {
    [
        ("/v1/files", "POST", upload()),
        ("/v1/files", "GET", list()),
        ("/v1/files/{id}", "DELETE", delete()),
    ]
}

fn operation(name: &str, summary: &str, parameters: &[Value], answers: &Value) -> Value {
    json!({
        "operationId": name,
        "summary": summary,
        "description": "Scope: `files`.",
        "tags": ["files"],
        "parameters": parameters,
        "responses": answers,
    })
}

fn upload() -> Value {
    let filename = json!({ "name": "filename", "in": "query", "required": true,
        "schema": { "type": "string", "minLength": 1 },
        "description": "What it is called, in any script; of a path, its last part" });
    let mut answers = refusals(&[Why::Malformed, Why::TooLarge, Why::WrongScope, Why::NotStored]);
    answers["201"] = json!({ "description": "Kept. Its link is told this once.",
        "content": { "application/json": { "schema": reference("UploadedFile") } } });
    let mut operation = operation("post_files", "Upload a file", &[filename], &answers);
    operation["description"] = json!(
        "The body is the file, as it is, with its own `Content-Type`. \
        The answer can stand in a comment's `attachments`; a file that no command has named within \
        a day is deleted. Scope: `files`."
    );
    operation["requestBody"] = json!({ "required": true, "content": { "*/*": { "schema": {} } } });
    operation
}

fn list() -> Value {
    let after = json!({ "name": "after", "in": "query", "schema": { "type": "string" },
        "description": "`next` of the page before" });
    let limit = json!({ "name": "limit", "in": "query",
        "schema": { "type": "integer", "minimum": 1, "maximum": query::MOST },
        "description": "How many at most" });
    let mut answers = refusals(&[Why::Malformed, Why::WrongScope, Why::NotStored]);
    answers["200"] = json!({ "description": "What was asked for.",
        "content": { "application/json": { "schema": reference("Files") } } });
    operation("get_files", "All files and the quota, newest first", &[after, limit], &answers)
}

fn delete() -> Value {
    let mut answers = refusals(&[Why::NotFound, Why::WrongScope, Why::NotStored]);
    answers["204"] = json!({ "description": "Its link answers no more." });
    operation("delete_files_id", "Delete a file", &path_parameters("/v1/files/{id}"), &answers)
}

/// The schemas of these routes.
pub(super) fn schemas() -> Map<String, Value> {
    let text = || json!({ "type": "string" });
    let count = || json!({ "type": "integer", "minimum": 0 });
    let file = |name: &str, more: Value| {
        let mut members = json!({ "id": { "type": "string", "format": "uuid" }, "filename": text(),
            "content_type": text(), "size": count(), "sha256": text() });
        members[name] = more;
        members
    };
    let object = |members: Value| {
        let names: Vec<String> =
            members.as_object().into_iter().flat_map(Map::keys).cloned().collect();
        json!({ "type": "object", "properties": members, "required": names })
    };
    let link = json!({ "type": "string", "format": "uri",
        "description": "Whoever has it reads the file, for as long as the file is there." });
    let mut listed = file(
        "linked",
        json!({ "type": "boolean",
        "description": "Whether a command named it; if not, it goes a day after it came." }),
    );
    listed["created_at"] = text();
    let quota = object(json!({ "used": count(), "bytes": count() }));
    let files = json!({ "type": "array", "items": reference("File") });
    let page = json!({ "files": files, "next": { "type": ["string", "null"] }, "quota": quota });
    let all = [
        ("UploadedFile", object(file("url", link))),
        ("File", object(listed)),
        ("Files", object(page)),
    ];
    all.into_iter().map(|(name, schema)| (name.to_owned(), schema)).collect()
}
