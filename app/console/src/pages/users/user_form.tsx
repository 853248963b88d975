/** Edits a user's properties without losing changes that others make at the same time. */
import { useState } from "preact/hooks";
import { api, type Schemas } from "../../api";
import { FormDialog, toast } from "../../components";
import { Conflict } from "../records/conflict";
import { faultOf, PropertyEditor, propertiesOf, rowsOf } from "../records/properties";
import { useSaving } from "../records/saving";
import { fieldsOf, recordOf, type Versioned, versioned } from "../records/versions";

type User = Schemas["UserView"];

interface UserFormProps {
  id: string;
  /** The user's record; none to create it. */
  user: Versioned<User> | undefined;
  onClose: () => void;
  onSaved: () => void;
}

export function UserForm({ id, user, onClose, onSaved }: UserFormProps) {
  const path = { user_id: id };
  const [rows, setRows] = useState(() => rowsOf(user?.data.properties ?? {}));
  const [isChecked, setChecked] = useState(false);

  const { base, theirs, acceptTheirs, ...saving } = useSaving<User>({
    opened: user,
    put: async (fields, header) => {
      await api.PUT("/v1/users/{user_id}", { params: { path, header }, body: { properties: recordOf(fields).properties } });
      toast("Saved.");
      onSaved();
      onClose();
    },
    load: () => versioned(api.raw.GET("/v1/users/{user_id}", { params: { path } })),
  });

  const isSound = rows.every((row) => faultOf(row, rows) === undefined);
  const mine = isSound ? fieldsOf({ properties: propertiesOf(rows) }) : undefined;

  function save(): void {
    setChecked(true);
    if (mine) void saving.run(mine, base?.tag);
  }

  function discard(): void {
    setRows(rowsOf(theirs?.data.properties ?? {}));
    acceptTheirs();
  }

  return (
    <FormDialog title={`Properties of ${id}`} action="Save user" wide onSubmit={save} busy={saving.isRunning} disabled={theirs !== undefined} error={saving.error} onClose={onClose}>
      <PropertyEditor rows={rows} onChange={setRows} isChecked={isChecked} />
      {theirs && mine && (
        <Conflict
          base={fieldsOf({ properties: base?.data.properties ?? {} })}
          theirs={fieldsOf({ properties: theirs.data.properties })}
          mine={mine}
          busy={saving.isRunning}
          onSave={(fields) => void saving.run(fields, theirs.tag)}
          onDiscard={discard}
        />
      )}
    </FormDialog>
  );
}
