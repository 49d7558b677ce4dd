package provision

import (
	"slices"
	"strings"
)

// synonym returns the field that a column usually holds, by its name as rows.ColumnName writes it; ""
// if that is not known. It is proposed to people, and never used by itself.
func synonym(name string) string {
	for _, s := range &synonyms {
		if slices.Contains(strings.Split(s.names, "|"), name) {
			return s.field
		}
	}
	return ""
}

// synonyms are names of columns in the exports of carriers and phone systems, whole and exact.
var synonyms = [...]struct{ field, names string }{ // never changed
	{"phone_number", "msisdn|did|dids|did_number|ddi|ddi_number|sda|tn|e164|e_164|e164_number|number|numbers|phone|phonenumber|phone_no|" +
		"telephone|telephonenumber|telephone_number|tel|tel_no|lineuri|line_uri|extension_did|destination_number|inbound_number|pstn_number|" +
		"rufnummer|telefonnummer|telefon|nummer|durchwahlnummer|numéro|numero|numéro_de_téléphone|numéro_sda|téléphone|" +
		"número|número_de_teléfono|numero_de_telefono|teléfono|numero_di_telefono|numero_telefonico|número_de_telefone|telefone|" +
		"telefoonnummer|telefonnr|telefonnummer_e164|puhelinnumero|numer|numer_telefonu|telefonszám|telefon_numarası|" +
		"номер|номер_телефона|телефон|αριθμός|電話番号|电话号码|號碼|号码|전화번호|رقم_الهاتف"},
	{"name", "label|description|friendly_name|friendlyname|displayname|display_name|did_name|bezeichnung|beschreibung|anzeigename|libellé|libelle|" +
		"nom|nombre|descripción|descrizione|omschrijving|naam|beskrivelse|opis|nazwa|название|описание|名称|備考"},
	{"agent", "agent_name|agentname|assistant|bot|agente|mihu_agent|agent_ia"},
	{"agent_uuid", "agent_id|agentid|agentuuid|assistant_id"},
	{"channel", "kanal|canal|kanaal|канал"},
	{"direction", "richtung|call_direction"},
	{MapGatewayPort, "gateway:port|host:port|server:port|sip_server:port"},
	{"sip_gateway", "gateway|sip_server|sip_host|sip_proxy|sip_domain|registrar|registrar_server|host|hostname|proxy|server|sip_registrar|passerelle"},
	{"sip_port", "port|sipport|server_port"},
	{"sip_username", "username|user|user_name|sip_user|sipuser|auth_user|auth_username|auth_id|authid|authentication_id|authentication_name|" +
		"sip_login|login|benutzername|benutzer|sip_benutzername|utilisateur|identifiant|identifiant_sip|usuario|nome_utente|gebruikersnaam|użytkownik"},
	{"sip_password", "password|passwort|kennwort|sip_passwort|secret|sip_secret|auth_password|authentication_password|mot_de_passe|contraseña|" +
		"senha|wachtwoord|hasło|lösenord|пароль|パスワード|密码"},
	{"sip_secondary_gateway", "secondary_gateway|backup_gateway|failover_gateway|secondary_proxy|backup_proxy|secondary_server"},
	{"secret_name", "credentials|credential_name"},
}
